"""Prompts: what a language model is shown before it writes a row of a class."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ClassDescription", "PromptWriter", "one_line"]

Prompt = str | tuple[tuple[str, str], ...]

# Between rows in completion form where rows have line breaks of their own.
_RULE = "\n-----"
_DEFAULT_TASK = {"text": "Texts", "row": "Rows of a table"}


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
    form : {"completion", "chat", "fine_tuned", "none"}
        Completion form shows a list that the model goes on with, which small and base models do
        best; chat form asks for rows in words; a model trained on the rows is told the category.
    task : str
        What the rows are, such as "SMS messages".
    instructions : str
        Further wishes, in the user's words.
    n_rows : int
        How many rows one answer is to hold (chat form).
    multiline : bool
        Whether rows have line breaks that are to be kept.
    noun : {"text", "row"}
        What a row is called.
    header : str
        For rows of a table without the columns' names in them: the names.
    """

    form: str
    task: str = ""
    instructions: str = ""
    n_rows: int = 1
    multiline: bool = False
    noun: str = "text"
    header: str = ""

    @property
    def stop(self) -> tuple[str, ...]:
        """Where an answer ends."""
        if self.form not in ("completion", "fine_tuned"):
            return ()
        return (_RULE,) if self.multiline else ("\n",)

    def write(
        self,
        examples: Sequence[str],
        label: ClassDescription,
        labels: Sequence[ClassDescription] | None = None,
    ) -> Prompt:
        """Write the prompt that shows these rows, of the class if no `labels` are given."""
        if self.form == "none":
            return ""
        if self.form == "fine_tuned":
            return self._field(label)
        pairs = list(zip(examples, labels or [label] * len(examples), strict=True))
        if self.form == "completion":
            return self._completion(pairs, label)
        return (("user", self._question(pairs, label)),)

    def training_pair(self, row: str, label: ClassDescription) -> tuple[str, str]:
        """Return the prompt and the answer that a model is trained on."""
        return self._field(label), f" {self._shown(row)}{self.stop[0]}"

    def _field(self, label: ClassDescription) -> str:
        # No space after the last colon: tokenizers put it into the first word of the answer.
        return f"Category: {label.full}\n{self.noun.capitalize()}:"

    def _completion(
        self, examples: Sequence[tuple[str, ClassDescription]], label: ClassDescription
    ) -> str:
        head = f"{self.task or _DEFAULT_TASK[self.noun]} with their category."
        if self.header:
            head += f" Columns: {self.header}."
        if self.instructions:
            head += f" {self.instructions}"
        between = f"{_RULE}\n" if self.multiline else "\n\n"
        rows = "".join(f"{self._field(of)} {self._shown(row)}{between}" for row, of in examples)
        return f"{head}\n\n{rows}{self._field(label)}"

    def _question(
        self, examples: Sequence[tuple[str, ClassDescription]], label: ClassDescription
    ) -> str:
        noun = self.noun
        what = self.task or _DEFAULT_TASK[noun].lower()
        alike = all(of == label for _, of in examples)
        head = f"Here are examples of {what}" + (
            f" with the label {label.full}:" if alike else ", each after its label in brackets:"
        )
        shown = "\n".join(
            f"{i}. {'' if alike else f'[{of.name}] '}{self._shown(row)}"
            for i, (row, of) in enumerate(examples, start=1)
        )
        if self.header:
            head += f" The columns are: {self.header}."
        of_label = "the same label" if alike else f"the label {label.full}"
        wanted = f"one new {noun}" if self.n_rows == 1 else f"{self.n_rows} new {noun}s"
        form = (
            f"Answer with the {noun} alone, without quotes or comments."
            if self.n_rows == 1
            else f"Answer with a numbered list of the {noun}s alone, without comments."
        )
        parts = [
            f"{head}\n\n{shown}\n",
            f"Write {wanted} with {of_label}, as real as these, and different in content.",
            self.instructions,
            form,
        ]
        return "\n".join(part for part in parts if part)

    def _shown(self, text: str) -> str:
        return text.strip() if self.multiline else one_line(text)


def one_line(text: str) -> str:
    """Fold all white space to single spaces."""
    return " ".join(text.split())
