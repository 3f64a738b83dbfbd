"""Prompts: what a language model is shown before it writes a row of a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

__all__ = [
    "TEMPLATE_FIELDS",
    "ClassDescription",
    "PromptWriter",
    "Task",
    "check_template",
    "one_line",
]

Prompt = str | tuple[tuple[str, str], ...]

TEMPLATE_FIELDS = {
    "examples", "label", "description", "task", "instructions", "n_rows", "attributes", "source",
    "source_label",
}  # fmt: skip

# Between rows in completion form where rows have line breaks of their own.
_RULE = "\n-----"
_DEFAULT_TASK = {"text": "Texts", "row": "Rows of a table"}


@dataclass(frozen=True)
class ClassDescription:
    """How a class is named to the model."""

    name: str
    description: str = ""
    label_name: str = ""  # without the group

    @property
    def tag(self) -> str:
        """What stands in brackets before a text."""
        return self.label_name or self.name

    @property
    def full(self) -> str:
        """Name with description."""
        return f"{self.name} ({self.description})" if self.description else self.name


Example = tuple[str, ClassDescription]


@dataclass(frozen=True)
class Task:
    """How to ask for a text that is made from another one.

    Attributes
    ----------
    head : str
        What follows what, for completion form.
    field : str
        Name of the text that is made, for completion form.
    order : str
        What to do, for chat form; ``{label}`` is the class of the new text.
    demonstration : tuple of str, or None
        A text and what was made from it, where real rows cannot show it.
    """

    head: str
    field: str
    order: str
    demonstration: tuple[str, str] | None = None


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
    template : str
        The user's own words, with fields in braces.
    """

    form: str
    task: str = ""
    instructions: str = ""
    n_rows: int = 1
    multiline: bool = False
    noun: str = "text"
    header: str = ""
    template: str = ""

    @property
    def reads_prompts(self) -> bool:
        """Whether the real rows shown make a difference."""
        return self.form in ("completion", "chat")

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
        attributes: Mapping[str, str] | None = None,
        of_examples: Sequence[Mapping[str, str]] | None = None,
    ) -> Prompt:
        """Write a prompt that shows rows and asks for another.

        Parameters
        ----------
        examples : sequence of str
            The rows.
        label : ClassDescription
            Class of the new row.
        labels : sequence of ClassDescription, default=None
            Classes of the rows; None if they are all of that class.
        attributes : mapping, default=None
            What the new row is to be like.
        of_examples : sequence of mapping, default=None
            What is known of the rows in the same way.
        """
        if self.form == "none":
            return ""
        if self.form == "fine_tuned":
            return self._field(label)
        pairs = list(zip(examples, labels or [label] * len(examples), strict=True))
        attributes = attributes or {}
        if self.template:
            return self._filled(pairs, label, attributes)
        if self.form == "completion":
            known = of_examples or [{}] * len(pairs)
            return self._completion(pairs, label, attributes, known)
        return (("user", self._question(pairs, label, attributes)),)

    def write_from(
        self,
        source: Example,
        label: ClassDescription,
        task: Task,
        pairs: Sequence[tuple[Example, Example]] = (),
    ) -> Prompt:
        """Write a prompt that asks for a row made from another one.

        Parameters
        ----------
        source : tuple of str and ClassDescription
            The row to start from.
        label : ClassDescription
            Class of the new row.
        task : Task
            What is to be done.
        pairs : sequence of pairs of such tuples, default=()
            Rows as like each other as source and new row are to be.
        """
        if self.template:
            return self._filled([after for _, after in pairs], label, {}, source)
        if self.form == "completion":
            return self._completion_from(source, label, task, pairs)
        order = task.order.format(label=label.full)
        shown = "".join(f"\n- {self._shown(text)}" for _, (text, _) in pairs)
        parts = [
            f"Here is one of {self._what}, with the label {source[1].full}:\n\n"
            f"{self._shown(source[0])}\n",
            f"Real {self.noun}s with the label {label.full}, for their style:{shown}\n"
            * bool(pairs),
            order if self.n_rows == 1 else f"{order} Do so in {self.n_rows} different ways.",
            self.instructions,
            self._form_of_answer,
        ]
        return (("user", "\n".join(part for part in parts if part)),)

    def write_list(
        self, examples: Sequence[str], label: ClassDescription, what: str, n: int
    ) -> Prompt:
        """Write a prompt that asks for a list of what rows of a class may differ in."""
        if self.form == "completion":
            rows = "".join(f"{self.noun.capitalize()}: {self._shown(row)}\n" for row in examples)
            return (
                f"{self._head}\n\nCategory: {label.full}\n{rows}\n"
                f"{n} different {what}s of {self.noun}s of this category, in a few words each:\n1."
            )
        rows = "\n".join(f"- {self._shown(row)}" for row in examples)
        text = (
            f"Here are examples of {self._what} with the label {label.full}:\n\n{rows}\n\n"
            f"List {n} different {what}s that such {self.noun}s may have, in a few words each. "
            "Answer with a numbered list alone."
        )
        return (("user", text),)

    def write_question(
        self, row: str, examples: Sequence[Example], labels: Sequence[ClassDescription]
    ) -> Prompt:
        """Write a prompt that asks for the class of a row."""
        noun = self.noun.capitalize()
        if self.form == "completion":
            known = "".join(
                f"{noun}: {one_line(text)}\nCategory: {of.name}\n\n" for text, of in examples
            )
            return f"{self._head}\n\n{known}{noun}: {one_line(row)}\nCategory:"
        known = "\n".join(f"- [{of.name}] {one_line(text)}" for text, of in examples)
        names = "\n".join(f"- {of.full}" for of in labels)
        text = (
            f"The labels of {self._what} are:\n{names}\n\nExamples, each after its label:\n{known}"
            f"\n\nWhich label has this {self.noun}?\n\n{self._shown(row)}\n\n"
            "Answer with the label alone."
        )
        return (("user", text),)

    def training_pair(self, row: str, label: ClassDescription) -> tuple[str, str]:
        """Return the prompt and the answer that a model is trained on."""
        return self._field(label), f" {self._shown(row)}{self.stop[0]}"

    @property
    def _what(self) -> str:
        return self.task or _DEFAULT_TASK[self.noun].lower()

    @property
    def _head(self) -> str:
        head = f"{self.task or _DEFAULT_TASK[self.noun]} with their category."
        if self.header:
            head += f" Columns: {self.header}."
        return f"{head} {self.instructions}" if self.instructions else head

    @property
    def _form_of_answer(self) -> str:
        if self.n_rows == 1:
            return f"Answer with the {self.noun} alone, without quotes or comments."
        return f"Answer with a numbered list of the {self.noun}s alone, without comments."

    @property
    def _between(self) -> str:
        return f"{_RULE}\n" if self.multiline else "\n\n"

    def _field(self, label: ClassDescription, attributes: Mapping[str, str] | None = None) -> str:
        # No space after the last colon: tokenizers put it into the first word of the answer.
        lines = "".join(f"{name.capitalize()}: {v}\n" for name, v in (attributes or {}).items())
        return f"Category: {label.full}\n{lines}{self.noun.capitalize()}:"

    def _completion(
        self,
        examples: Sequence[Example],
        label: ClassDescription,
        attributes: Mapping[str, str],
        of_examples: Sequence[Mapping[str, str]],
    ) -> str:
        rows = "".join(
            f"{self._field(of, known)} {self._shown(row)}{self._between}"
            for (row, of), known in zip(examples, of_examples, strict=True)
        )
        return f"{self._head}\n\n{rows}{self._field(label, attributes)}"

    def _completion_from(
        self,
        source: Example,
        label: ClassDescription,
        task: Task,
        pairs: Sequence[tuple[Example, Example]],
    ) -> str:
        def start(example: Example) -> str:
            return f"{self._field(example[1])} {self._shown(example[0])}\n"

        def made(of: ClassDescription, field: str) -> str:
            return f"{field}:" if of == source[1] else f"Category: {of.full}\n{field}:"

        shown = [(start(a), made(b[1], task.field), self._shown(b[0])) for a, b in pairs]
        if task.demonstration is not None:
            text, reworded = task.demonstration
            shown.insert(0, (f"{self.noun.capitalize()}: {text}\n", f"{task.field}:", reworded))
        rows = "".join(f"{one}{field} {other}{self._between}" for one, field, other in shown)
        return f"{self._head} {task.head}\n\n{rows}{start(source)}{made(label, task.field)}"

    def _question(
        self, examples: Sequence[Example], label: ClassDescription, attributes: Mapping[str, str]
    ) -> str:
        noun = self.noun
        alike = all(of == label for _, of in examples)
        head = f"Here are examples of {self._what}" + (
            f" with the label {label.full}:" if alike else ", each after its label in brackets:"
        )
        if self.header:
            head += f" The columns are: {self.header}."
        of_label = "the same label" if alike else f"the label {label.full}"
        wanted = f"one new {noun}" if self.n_rows == 1 else f"{self.n_rows} new {noun}s"
        like = "".join(f"\n- {name}: {value}" for name, value in attributes.items())
        parts = [
            f"{head}\n\n{self._listed(examples, alike)}\n",
            f"Write {wanted} with {of_label}, as real as these, and different in content.",
            f"What {'it is' if self.n_rows == 1 else 'they are'} to be like:{like}" * bool(like),
            self.instructions,
            self._form_of_answer,
        ]
        return "\n".join(part for part in parts if part)

    def _listed(self, examples: Sequence[Example], alike: bool) -> str:
        numbers = [f"{i}. " if self.form == "chat" else "" for i in range(1, len(examples) + 1)]
        between = self._between if self.form == "completion" and self.multiline else "\n"
        return between.join(
            f"{number}{'' if alike else f'[{of.tag}] '}{self._shown(row)}"
            for number, (row, of) in zip(numbers, examples, strict=True)
        )

    def _filled(
        self,
        examples: Sequence[Example],
        label: ClassDescription,
        attributes: Mapping[str, str],
        source: Example = ("", ClassDescription("")),
    ) -> Prompt:
        alike = all(of == label for _, of in examples)
        text = self.template.format(
            examples=self._listed(examples, alike),
            label=label.name,
            description=label.description,
            task=self._what,
            instructions=self.instructions,
            n_rows=self.n_rows,
            attributes="; ".join(f"{name}: {value}" for name, value in attributes.items()),
            source=self._shown(source[0]),
            source_label=source[1].name,
        )
        return text if self.form == "completion" else (("user", text),)

    def _shown(self, text: str) -> str:
        return text.strip() if self.multiline else one_line(text)


def one_line(text: str) -> str:
    """Fold all white space to single spaces."""
    return " ".join(text.split())


def check_template(template: str, *, of_one: bool, attributes: bool, examples: bool) -> None:
    """Refuse a template that cannot be filled in, or would be with nothing.

    Parameters
    ----------
    template : str
        The user's words.
    of_one : bool
        Whether the strategy starts from one text, the source.
    attributes : bool
        Whether it draws attributes.
    examples : bool
        Whether it shows examples.
    """
    known = TEMPLATE_FIELDS - ({"source", "source_label"} if not of_one else set())
    known -= (set() if attributes else {"attributes"}) | (set() if examples else {"examples"})
    try:
        fields = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        if not fields - known:
            template.format(**dict.fromkeys(known, ""))
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(
            f"prompt_template cannot be read: {error}. Write braces that are no fields twice: "
            "{{ and }}."
        ) from error
    if unknown := fields - known:
        raise ValueError(
            f"prompt_template has the field(s) {sorted(unknown)}, which nothing is known of with "
            f"this prompt_strategy. Its fields can be {sorted(known)}; write braces that are no "
            "fields twice."
        )
    if attributes and "attributes" not in fields:
        raise ValueError(
            'prompt_template has no field {attributes}, which prompt_strategy="attributes" draws. '
            "Put it in, or choose another strategy."
        )
