"""Tell whether an answer is complete, and what its text is."""

from sklw.generators._decoding.loading import LoadedModel
from sklw.generators._decoding.tasks import Task

__all__ = ["StopCheck"]


class StopCheck:
    """Decide after each token whether its answer ends there."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._tokenizer = loaded.tokenizer
        self._stop_ids = loaded.stop_ids
        self._other_ids = loaded.other_ids
        self._has_parts = loaded.has_parts

    def __call__(self, task: Task) -> tuple[str, str] | None:
        """Return the text and the finish reason of a complete answer, None of another."""
        last = task.tokens[-1]
        if last in self._stop_ids or (last in self._other_ids and not self._in_parts(task)):
            return self._text(task, task.tokens[:-1]), "stop"
        if task.stop:
            text = self._text(task, task.tokens)
            places = [place for place in map(text.find, task.stop) if place >= 0]
            if places:
                return text[: min(places)], "stop"
        if len(task.tokens) >= task.limit:
            return self._text(task, task.tokens), "length"
        return None

    def _in_parts(self, task: Task) -> bool:
        """Tell whether special tokens mark the parts of an answer, such as channels."""
        if self._has_parts:
            return True
        # In a conversation, a token that opens the answer and is no part of the prompt.
        first = task.tokens[0]
        return (
            first in self._other_ids
            and first not in task.prompt
            and not self._other_ids.isdisjoint(task.prompt)
        )

    def _text(self, task: Task, tokens: list[int]) -> str:
        # Decoded after the prompt's last token: some tokenizers drop a text's first space.
        plain = not self._in_parts(task)
        before = self._decode(task.prompt[-1:], plain)
        return self._decode([*task.prompt[-1:], *tokens], plain)[len(before) :]

    def _decode(self, tokens: list[int], plain: bool) -> str:
        """Return a text, without special tokens if it is to be plain."""
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=plain, clean_up_tokenization_spaces=False
        )
        return text
