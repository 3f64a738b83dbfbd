"""How prompts are worded: in completion form, in chat form, and by a user's template."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sklw.over_sampling._cells import ClassDescription
from sklw.over_sampling._strings import one_line
from sklw.over_sampling._templates import rendered, user_template

__all__ = ["Change", "Example", "Prompt", "PromptWriter", "rule_between"]

Prompt = str | tuple[tuple[str, str], ...]

_SHORTEST_RULE = 5
_DEFAULT_TASK = {"text": "Texts", "row": "Rows of a table"}


class Example(NamedTuple):
    """A real row and what its class is called."""

    text: str
    label: ClassDescription


@dataclass(frozen=True)
class Change:
    """How to ask for a text that is made from another one."""

    head: str  # what follows what, for completion form
    field: str  # name of the text that is made, for completion form
    order: str  # what to do, for chat form; ``{label}`` is the class of the new text
    # A text and what was made from it, where real rows cannot show it.
    demonstration: tuple[str, str] | None = None


@dataclass(frozen=True)
class PromptWriter:
    """Words prompts."""

    # "completion" shows a list that the model continues, which small and base models do best;
    # "chat" asks for rows in words; in "fine_tuned" a model trained on the rows reads the category;
    # with "none" nothing is read.
    form: str
    task: str = ""  # what the rows are, such as "SMS messages"
    instructions: str = ""  # further ones, in the user's words
    n_rows: int = 1  # to ask for in one answer (chat form)
    multiline: bool = False  # whether rows have line breaks to keep
    rule: str = "\n" + "-" * _SHORTEST_RULE  # then stands between them, in completion form
    noun: str = "text"  # what a row is called: or "row"
    header: str = ""  # names of columns, for rows of a table without them
    template: str = ""  # the user's own words, as a Jinja2 template
    template_fields: frozenset[str] = frozenset()  # what it can show beside what all can

    @property
    def reads_prompts(self) -> bool:
        """Whether the real rows shown make a difference."""
        return self.form in ("completion", "chat")

    @property
    def shows_changes(self) -> bool:
        """Whether demonstrations show what a row was made from, and not its result alone."""
        return self.form == "completion" and not self.template

    @property
    def stop(self) -> tuple[str, ...]:
        """Where an answer ends."""
        if self.form not in ("completion", "fine_tuned"):
            return ()
        return (self.rule,) if self.multiline else ("\n",)

    def bare(self, label: ClassDescription) -> str:
        """Return what a generator is told that is shown no rows."""
        return self._field(label) if self.form == "fine_tuned" else ""

    def training_pair(self, row: str, label: ClassDescription) -> tuple[str, str]:
        """Return the prompt and the answer that a model is trained on."""
        return self._field(label), f" {self.shown(row)}{self.stop[0]}"

    def write(
        self,
        examples: Sequence[Example],
        label: ClassDescription,
        attributes: Mapping[str, str] | None = None,
        of_examples: Sequence[Mapping[str, str]] | None = None,
    ) -> Prompt:
        """Ask for a row beside others; attributes say what it, and each of them, is like."""
        attributes = attributes or {}
        if self.template:
            return self._filled(examples, label, attributes)
        if self.form == "completion":
            known = of_examples or [{}] * len(examples)
            rows = "".join(
                f"{self._field(example.label, of)} {self.shown(example.text)}{self._between}"
                for example, of in zip(examples, known, strict=True)
            )
            return f"{self._head}\n\n{rows}{self._field(label, attributes)}"
        return self._chat(
            "chat",
            examples=self._listed(examples, label),
            alike=_are_alike(examples, label),
            label=label,
            attributes=attributes,
        )

    def write_from(
        self,
        source: Example,
        label: ClassDescription,
        change: Change,
        pairs: Sequence[tuple[Example, Example]] = (),
    ) -> Prompt:
        """Ask for a row made from another one; rows of a pair are as like each other."""
        if self.shows_changes:
            return self._completion_from(source, label, change, pairs)
        if self.template:
            return self._filled([after for _, after in pairs], label, {}, source)
        return self._chat(
            "chat_from",
            source=self._folded(source),
            label=label,
            order=change.order.format(label=label.full),
            styles=[self.shown(after.text) for _, after in pairs],
        )

    def write_list(
        self, examples: Sequence[Example], label: ClassDescription, what: str, n: int
    ) -> Prompt:
        """Ask for a list of what rows of a class may differ in."""
        rows = [self.shown(example.text) for example in examples]
        if self.form == "completion":
            shown = "".join(f"{self.noun.capitalize()}: {row}\n" for row in rows)
            return (
                f"{self._head}\n\nCategory: {label.full}\n{shown}\n"
                f"{n} different {what}s of {self.noun}s of this category, in a few words each:\n1."
            )
        return self._chat("chat_list", rows=rows, label=label, attribute=what, n=n)

    def write_question(
        self, row: str, examples: Sequence[Example], labels: Sequence[ClassDescription]
    ) -> Prompt:
        """Ask for the class of a row."""
        noun = self.noun.capitalize()
        known = [Example(one_line(example.text), example.label) for example in examples]
        if self.form == "completion":
            shown = "".join(f"{noun}: {text}\nCategory: {of.name}\n\n" for text, of in known)
            return f"{self._head}\n\n{shown}{noun}: {one_line(row)}\nCategory:"
        return self._chat("chat_question", row=self.shown(row), examples=known, labels=labels)

    def shown(self, text: str) -> str:
        """Return a row as it stands in prompts."""
        return text.strip() if self.multiline else one_line(text)

    def _chat(self, template: str, **fields: object) -> Prompt:
        text = rendered(
            template,
            what=self._what,
            noun=self.noun,
            header=self.header,
            n_rows=self.n_rows,
            instructions=self.instructions,
            **fields,
        )
        return (("user", text),)

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
    def _between(self) -> str:
        return f"{self.rule}\n" if self.multiline else "\n\n"

    def _folded(self, example: Example) -> Example:
        return Example(self.shown(example.text), example.label)

    def _field(self, label: ClassDescription, attributes: Mapping[str, str] | None = None) -> str:
        # No space after the last colon: tokenizers put it into the first word of the answer.
        lines = "".join(f"{name.capitalize()}: {v}\n" for name, v in (attributes or {}).items())
        return f"Category: {label.full}\n{lines}{self.noun.capitalize()}:"

    def _completion_from(
        self,
        source: Example,
        label: ClassDescription,
        change: Change,
        pairs: Sequence[tuple[Example, Example]],
    ) -> str:
        def start(example: Example) -> str:
            return f"{self._field(example.label)} {self.shown(example.text)}\n"

        def made(of: ClassDescription) -> str:
            category = "" if of == source.label else f"Category: {of.full}\n"
            return f"{category}{change.field}:"

        rows = [f"{start(a)}{made(b.label)} {self.shown(b.text)}{self._between}" for a, b in pairs]
        if change.demonstration is not None:
            text, reworded = change.demonstration
            noun = self.noun.capitalize()
            rows.insert(0, f"{noun}: {text}\n{change.field}: {reworded}{self._between}")
        return f"{self._head} {change.head}\n\n{''.join(rows)}{start(source)}{made(label)}"

    def _listed(self, examples: Sequence[Example], label: ClassDescription) -> str:
        alike = _are_alike(examples, label)
        numbers = [f"{i}. " if self.form == "chat" else "" for i in range(1, len(examples) + 1)]
        between = self._between if self.form == "completion" and self.multiline else "\n"
        return between.join(
            f"{number}{'' if alike else f'[{of.tag}] '}{self.shown(row)}"
            for number, (row, of) in zip(numbers, examples, strict=True)
        )

    def _filled(
        self,
        examples: Sequence[Example],
        label: ClassDescription,
        attributes: Mapping[str, str],
        source: Example = Example("", ClassDescription("")),  # noqa: B008
    ) -> Prompt:
        text = user_template(self.template, self.template_fields).render(
            examples=self._listed(examples, label),
            label=label.name,
            description=label.description,
            task=self._what,
            instructions=self.instructions,
            n_rows=self.n_rows,
            attributes="; ".join(f"{name}: {value}" for name, value in attributes.items()),
            source=self.shown(source.text),
            source_label=source.label.name,
        )
        return text if self.form == "completion" else (("user", text),)


def rule_between(texts: Iterable[str]) -> str:
    """Return a rule with which no line of a text begins: at it a text would be cut."""
    lines = (line for text in texts for line in re.findall("^-+", text.strip(), re.MULTILINE))
    return "\n" + "-" * max([_SHORTEST_RULE, *(len(line) + 1 for line in lines)])


def _are_alike(examples: Sequence[Example], label: ClassDescription) -> bool:
    return all(example.label == label for example in examples)
