"""Tell whether an answer is complete, and what its text is."""

from typing import TYPE_CHECKING

from sklw.generators._loading import LoadedModel

if TYPE_CHECKING:
    from sklw.generators._decoding import Task

__all__ = ["StopCheck"]


class StopCheck:
    """Decide after each token whether its answer ends there.

    Parameters
    ----------
    loaded : LoadedModel
        Whose tokens are read.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._tokenizer = loaded.tokenizer
        self._stop_ids = loaded.stop_ids

    def __call__(self, task: "Task") -> tuple[str, str] | None:
        """Return the text and the finish reason of a complete answer, None of another."""
        if task.tokens[-1] in self._stop_ids:
            return self._text(task, task.tokens[:-1]), "stop"
        if task.stop:
            text = self._text(task, task.tokens)
            places = [place for place in map(text.find, task.stop) if place >= 0]
            if places:
                return text[: min(places)], "stop"
        if len(task.tokens) >= task.limit:
            return self._text(task, task.tokens), "length"
        return None

    def _text(self, task: "Task", tokens: list[int]) -> str:
        # Decoded after the prompt's last token: some tokenizers drop a text's first space.
        before = self._decode(task.prompt[-1:])
        return self._decode([*task.prompt[-1:], *tokens])[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text
