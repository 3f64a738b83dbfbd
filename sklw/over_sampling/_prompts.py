"""Prompts: what a language model is shown before it writes a row of a class."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ClassDescription", "PromptWriter", "one_line"]

Prompt = str | tuple[tuple[str, str], ...]

# Between rows in completion form where rows have line breaks of their own.
_RULE = "\n-----"


@dataclass(frozen=True)
class ClassDescription:
    """How a class is named to the model."""

    name: str
    description: str = ""

    @property
    def full(self) -> str:
        """Name with description."""
        return f"{self.name} ({self.description})" if self.description else self.name


@dataclass(frozen=True)
class PromptWriter:
    """Writes prompts in completion or chat form.

    Attributes
    ----------
    form : {"completion", "chat", "none"}
        Completion form shows a list that the model goes on with, which small and base models do
        best; chat form asks for rows in words.
    task : str
        What the texts are, such as "SMS messages".
    instructions : str
        Further wishes, in the user's words.
    n_rows : int
        How many rows one answer is to hold (chat form).
    multiline : bool
        Whether rows have line breaks that are to be kept.
    """

    form: str
    task: str = ""
    instructions: str = ""
    n_rows: int = 1
    multiline: bool = False

    @property
    def stop(self) -> tuple[str, ...]:
        """Where an answer ends."""
        if self.form != "completion":
            return ()
        return (_RULE,) if self.multiline else ("\n",)

    def write(self, examples: Sequence[str], label: ClassDescription) -> Prompt:
        """Write the prompt that shows these rows of the class."""
        if self.form == "none":
            return ""
        if self.form == "completion":
            return self._completion(examples, label)
        return (("user", self._question(examples, label)),)

    def _completion(self, examples: Sequence[str], label: ClassDescription) -> str:
        head = f"{self.task or 'Texts'} with their category."
        if self.instructions:
            head += f" {self.instructions}"
        # No space after the last colon: tokenizers put it into the first word of the answer.
        between = f"{_RULE}\n" if self.multiline else "\n\n"
        field = f"Category: {label.full}\nText:"
        rows = "".join(f"{field} {self._shown(example)}{between}" for example in examples)
        return f"{head}\n\n{rows}{field}"

    def _question(self, examples: Sequence[str], label: ClassDescription) -> str:
        what = self.task or "texts"
        shown = "\n".join(f"{i}. {self._shown(row)}" for i, row in enumerate(examples, start=1))
        wanted = "one new text" if self.n_rows == 1 else f"{self.n_rows} new texts"
        form = (
            "Answer with the text alone, without quotes or comments."
            if self.n_rows == 1
            else "Answer with a numbered list of the texts alone, without comments."
        )
        parts = [
            f"Here are examples of {what} with the label {label.full}:\n\n{shown}\n",
            f"Write {wanted} with the same label, as real as these, and different in content.",
            self.instructions,
            form,
        ]
        return "\n".join(part for part in parts if part)

    def _shown(self, text: str) -> str:
        return text.strip() if self.multiline else one_line(text)


def one_line(text: str) -> str:
    """Fold all white space to single spaces."""
    return " ".join(text.split())
