"""Asking for texts that have certain attributes."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from sklw._callers import caller_level
from sklw._validation import is_encodable
from sklw._words import UNSPACED
from sklw.exceptions import GenerationWarning
from sklw.generators import Completion, Request
from sklw.over_sampling._cells import Cell, check_known
from sklw.over_sampling._prompting import SHARED_CONSTRAINTS, Source
from sklw.over_sampling._strings import CONTROL, one_line
from sklw.over_sampling._text.prompts import Examples
from sklw.over_sampling._text.splitting import list_items
from sklw.over_sampling._text.talk import is_meta
from sklw.over_sampling._writer import Prompt

__all__ = ["Attributes"]

# The model proposes this many values at a time, and is asked this often for each class.
_N_PROPOSED = 10
_N_ASKED = 3
_LONGEST_VALUE = 60
_DEFAULT = {"topic": "propose", "length": "match"}

# A value to draw, and the real texts that the model had before it when it proposed it.
_Value = tuple[str, np.ndarray]


class Attributes(Examples):
    """Show texts of the class and ask for another one with certain attributes [1]_.

    Parameters
    ----------
    attributes : dict, default=None
        The attributes to draw for each prompt. Maps the name of an attribute to its values, to
        a dict of values by label, to ``"propose"`` (the model is asked for values first) or to
        ``"match"`` (the number of words of a real text, or of characters where no spaces part
        the words). None stands for
        ``{"topic": "propose", "length": "match"}``.
    n_examples : int, default=5
        As in :class:`Examples`.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        As in :class:`Examples`.
    answers_per_prompt : int, default=4
        As in :class:`Examples`.
    rows_per_request : int, default=1
        As in :class:`Examples`.
    instructions : str, default=None
        As in :class:`Examples`.
    template : str, default=None
        As in :class:`Examples`, with the additional field ``{{ attributes }}``.

    Warns
    -----
    GenerationWarning
        If the model proposes so few values of an attribute that texts hardly vary in it.

    References
    ----------
    .. [1] Y. Yu et al., "Large Language Model as Attributed Training Data Generator: A Tale of
       Diversity and Bias", NeurIPS 2023.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Attributes
    >>> LLMOverSampler(prompt=Attributes({"tone": ["angry", "polite"], "length": "match"}))
    LLMOverSampler(prompt=Attributes(attributes={'length': 'match',
                                                 'tone': ['angry', 'polite']}))
    """

    _parameter_constraints: ClassVar[dict] = {**SHARED_CONSTRAINTS, "attributes": [dict, None]}
    template_fields = frozenset({"examples", "attributes"})

    def __init__(
        self,
        attributes: dict[str, Any] | None = None,
        *,
        n_examples: int = 5,
        example_selection: str = "random",
        answers_per_prompt: int = 4,
        rows_per_request: int = 1,
        instructions: str | None = None,
        template: str | None = None,
    ) -> None:
        super().__init__(
            n_examples,
            example_selection=example_selection,
            answers_per_prompt=answers_per_prompt,
            rows_per_request=rows_per_request,
            instructions=instructions,
            template=template,
        )
        self.attributes = attributes

    def start(self, source: Source) -> None:
        """Look up the values that are given."""
        wanted = _DEFAULT if self.attributes is None else self.attributes
        labels = dict.fromkeys(cell.label for cell in source.cells)
        self._matched, self._proposed = (
            [name for name, values in wanted.items() if isinstance(values, str) and values == how]
            for how in ("match", "propose")
        )
        self._values: dict[str, dict[Any, list[_Value]]] = {
            name: _by_label(name, values, labels)
            for name, values in wanted.items()
            if name not in (*self._matched, *self._proposed)
        }
        self._asked: list[tuple[str, Any, np.ndarray]] = []

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        texts = source.texts
        shown = source.draw(cell, rng)
        attributes, behind = {}, []
        for name, values in self._values.items():
            if known := values.get(cell.label):
                attributes[name], rows = known[rng.integers(len(known))]
                behind.append(rows)
        like = texts[cell.positions[rng.integers(len(cell.positions))]]
        attributes |= dict.fromkeys(self._matched, _length(like))
        of_shown = [dict.fromkeys(self._matched, _length(texts[at])) for at in shown]
        before = [at for at in np.unique(np.concatenate([*behind, []])) if at not in shown]
        prompt = source.write(shown, cell, attributes, of_shown)
        return np.array([*before, *shown], dtype=int), prompt

    def questions(self, source: Source, seed: int) -> list[Request]:
        """Ask for values of the attributes that the model should propose."""
        cells_of: dict[Any, list[Cell]] = {}
        for cell in source.cells:
            cells_of.setdefault(cell.label, []).append(cell)
        return [
            self._question(
                source, name, cells[attempt % len(cells)], [seed, number, place, attempt]
            )
            for number, name in enumerate(self._proposed)
            for place, cells in enumerate(cells_of.values())
            if any(cell.wanted for cell in cells)
            for attempt in range(_N_ASKED)
        ]

    def _question(self, source: Source, name: str, cell: Cell, seed: list[int]) -> Request:
        rng = np.random.default_rng([*seed, 2])
        shown = source.draw(cell, rng)
        self._asked.append((name, cell.label, shown))
        writer = source.writer
        examples = [source.example(at) for at in shown]
        return Request(
            writer.write_list(examples, cell.description, name, _N_PROPOSED),
            int(rng.integers(2**63)),
            cell.label,
            stop=("\n\n",) if writer.form == "completion" else (),
            max_new_tokens=150,
        )

    def learn(self, source: Source, answers: Sequence[Completion | None]) -> None:
        """Take the values that the model has proposed."""
        real = {one_line(text).casefold() for text in source.texts}
        found: dict[tuple[str, Any], dict[str, _Value]] = {}
        for (name, label, shown), answer in zip(self._asked, answers, strict=True):
            values = found.setdefault((name, label), {})
            for value in [] if answer is None else _proposals(answer, name):
                if value.casefold() not in real:
                    values.setdefault(value.casefold(), (value, shown))
        for (name, label), values in found.items():
            self._values.setdefault(name, {})[label] = list(values.values())
            if len(values) < 2 and None not in answers:
                warnings.warn(
                    f"The model proposed {len(values)} {name}(s) for the class {label!r}, so its "
                    "texts hardly vary in it. Give values: "
                    f"Attributes({{{name!r}: [...]}}), or use a stronger model.",
                    GenerationWarning,
                    stacklevel=caller_level(),
                )


def _by_label(name: Any, values: Any, labels: Mapping[Any, Any]) -> dict[Any, list[_Value]]:
    if isinstance(values, Mapping):
        check_known(f"attributes[{name!r}]", values, labels)
        by_label = dict(values)
    else:
        by_label = dict.fromkeys(labels, values)
    for given in by_label.values():
        if not isinstance(name, str) or isinstance(given, str) or not np.ndim(given) == 1:
            raise ValueError(
                f"attributes[{name!r}] is {values!r}. Map a name to a list of values, to such "
                'lists by label, to "propose" or to "match".'
            )
        if not len(given):
            raise ValueError(
                f"attributes[{name!r}] is empty. Give values to draw from, or leave it out."
            )
    nobody = np.empty(0, dtype=int)
    return {label: [(str(value), nobody) for value in given] for label, given in by_label.items()}


def _length(text: str) -> str:
    n_words, n_unspaced = len(text.split()), len(re.findall(f"[{UNSPACED}]", text))
    # Not all languages put spaces between words.
    spaced = len(text) < 20 * n_words and n_unspaced < len(text) / 2
    return f"{n_words} words" if spaced else f"{len(text)} characters"


def _proposals(answer: Completion, name: str) -> list[str]:
    # Bullets may be stars, which elsewhere are emphasis.
    text = re.sub(r"^([^\S\n]*)\*(?=\s)", r"\1-", answer.text, flags=re.MULTILINE)
    text = re.sub(r"^(?:```|\|).*$|[*_`]|^#+\s*", "", text, flags=re.MULTILINE).strip()
    # In completion form the number of the first is in the prompt.
    if re.match(r"[^\n]*\n\s*2[.)]", text) and not re.match(r"1[.)]", text):
        text = f"1. {text}"
    items = list_items(text)
    if answer.cut:
        items = items[:-1]  # cut off
    # Models like to count, "Topic 1: ...", and to explain: "**Prizes**: texts about ...".
    counted = re.compile(rf"^{re.escape(name)}\s*#?\d*\s*[:：]\s*", re.IGNORECASE)
    items = [counted.sub("", one_line(item)) for item in items]
    items = [item for item in items if not is_meta(item)]
    heads = [re.split(r"(?<=\w{4}): |：| [-–] ", item)[0] for item in items]
    values = [re.sub(r"[*_`\"]", "", head).strip(" .:;,-") for head in heads]
    # They go into prompts, so that they must be text.
    return [
        value
        for value in values
        if 2 <= len(value) <= _LONGEST_VALUE and is_encodable(value) and not CONTROL.search(value)
    ]
