"""Verification: whether a generated text belongs to the class it was written for."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from sklw._words import UNSPACED
from sklw.generators import Completion, Request
from sklw.over_sampling._asking import Asker
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._problem import Problem
from sklw.over_sampling._rows import Verifier
from sklw.over_sampling._strings import composed
from sklw.over_sampling._text.talk import NOUNS
from sklw.over_sampling._writer import Example, PromptWriter

__all__ = ["CheckerVerifier", "ModelVerifier", "make_verifier"]

# Tokens that a model may use for more than the name of a class.
_BESIDE_THE_NAME = 16
# Letters that end a word beside them: Korean endings, and scripts without spaces, do not.
_SPACED = rf"[^\W{UNSPACED}\uac00-\ud7af]"
_NEGATION = re.compile(
    r"\b(?:\w+n['’]t|not|no|nor|neither|never|cannot|hardly|without|unlike|than|instead|nicht|kein\w*|weder|pas|non|n[ãa]o|nem|niet|geen|inte|ikke|не|нет"
    r"|ليس\w*|لا|غير)\b|नहीं|[不非没沒未]|ない|ません|아니|아닌|않",
    re.IGNORECASE,
)
# What leads in the name of the class: "The label is", "I would classify this text as" ...
_THIS = rf"(?:th(?:is|e)(?: given)? (?:{NOUNS})|this|it)"
_LEAD = (
    r"(?:\W*(?:(?:(?:the|my|its) )?(?:(?:most likely|best|correct|right|final|appropriate) )?"
    r"(?:label|category|class|answer|sentiment|verdict|classification)"
    rf"(?: (?:of|for) {_THIS})?(?: is|\s*[:：=])|{_THIS} (?:is|looks like|seems|belongs to)"
    rf"|i(?: would|['’]d) (?:label|classify|categori[sz]e) {_THIS} as)"
    r"(?: (?:clearly|most likely|likely|probably|an?|the|category|class|label))*)?[\W_]*"
)
# What follows it at the end of a verdict or before reasons, which may name other classes; ...
_END = re.compile(
    r"[\"'”’»`*_\])]*(?:\s*$|[.!;:：。！](?=\s|[*_]|$)|\s*\n|\s+[(–—-]|[—]"
    r"|,?\s+(?:as|since|because|due to|given)\b|,\s+(?:it|this|the)\b)",
    re.IGNORECASE,
)
# ... not before a share or a yes or no of each class.
_OF_EACH = re.compile(
    r"[\W_]*(?:\d*\.?\d+\s*(?:[%,;)]|$)|(?:yes|no|true|false)\s*(?:[.,;)]|$)|(?:or|and)\b)",
    re.IGNORECASE | re.MULTILINE,
)
# Real texts of each class that the model is shown beside the one to judge.
_N_SHOWN = 3


class CheckerVerifier(Verifier):
    """A classifier cross-fitted on the real texts: never one that saw most of the prompt."""

    def __init__(self, checker: Any, problem: Problem, random_state: int) -> None:
        self._checker, self._random_state = checker, random_state
        self._problem = problem
        self._fitted: Any = None

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether its class is the likeliest."""
        if self._fitted is None:
            self._fitted = self._fit()
        labels = np.array([cell.label for cell in cells])
        found = self._fitted.probabilities(np.array(texts, dtype=object), labels, shown)
        likeliest = self._fitted.classes_[np.nanargmax(found, axis=1)]
        return (likeliest == labels).tolist()

    def _fit(self) -> Any:
        from sklw._cross_fitting import CrossFittedChecker

        checker = CrossFittedChecker(self._checker, random_state=self._random_state)
        return checker.fit(self._problem.rows, np.array(self._problem.labels))


class ModelVerifier(Verifier):
    """A language model that is shown a few real texts of each class and names the class."""

    portion = 32  # what a budget may leave without a verdict, at most

    def __init__(
        self,
        writer: PromptWriter,
        ask: Callable[[Sequence[Request]], Iterable[tuple[int, Completion]]],
        problem: Problem,
        seed: int,
        max_new_tokens: int,
    ) -> None:
        self._max_new_tokens = max_new_tokens
        self._writer, self._ask, self._names = writer, ask, problem.descriptions
        rng = np.random.default_rng([seed, 3])
        of_class: dict[Any, list[int]] = {}
        for cell in problem.cells:
            of_class.setdefault(cell.label, []).extend(cell.positions.tolist())
        shown = [
            Example(str(problem.rows[at]), self._names[label])
            for label, positions in of_class.items()
            for at in rng.permutation(positions)[:_N_SHOWN]
        ]
        self._examples = [shown[at] for at in rng.permutation(len(shown))]
        # Longest first, so that "not spam" is not read as "spam".
        by_name = [(label, composed(of.name)) for label, of in self._names.items()]
        self._by_name = sorted(by_name, key=lambda item: -len(item[1]))

    def requests(self, texts: Sequence[str]) -> list[Request]:
        """Ask for the class of each."""
        labels = list(self._names.values())
        completion = self._writer.form == "completion"
        names = "|".join(re.escape(label.name) for label in labels)
        return [
            Request(
                self._writer.write_question(text, self._examples, labels),
                seed=0,
                stop=("\n",) if completion else (),
                max_new_tokens=self._max_new_tokens,
                pattern=f" ({names})\n" if completion else None,
            )
            for text in texts
        ]

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether the model names its class; None where it names none, or several."""
        answers = dict(self._ask(self.requests(texts)))
        verdicts: list[bool | None] = []
        for at, cell in enumerate(cells):
            answer = answers.get(at)
            good = answer is not None and answer.finish_reason in ("stop", "recorded", "length")
            named = self._named(answer.text) if answer is not None and good else None
            verdicts.append(None if named is None else bool(named[0] == cell.label))
        return verdicts

    def _named(self, answer: str) -> tuple[Any] | None:
        # Reasons may follow, and name other classes.
        answer = composed(answer)
        first = answer.replace("**", "").strip().partition("\n")[0]
        bare = re.sub(r"^(?:label|category|class|answer)\s*[:：=]", "", first, flags=re.I)
        bare = bare.strip(" \t\r.!\"'`*[]()").casefold()
        for label, name in self._by_name:
            if bare == name.casefold():
                return (label,)
        return self._led_in(answer.replace("**", "")) or self._only(answer)

    def _led_in(self, answer: str) -> tuple[Any] | None:
        """Return the class that an answer says at once, whatever reasons follow."""
        for label, name in self._by_name:
            said = re.match(_LEAD + re.escape(name), answer, re.IGNORECASE)
            if said and (end := _END.match(answer, said.end())):
                return None if _OF_EACH.match(answer, end.end()) else (label,)
        return None

    def _only(self, answer: str) -> tuple[Any] | None:
        """Return the class that an answer names if it names no other, and denies nothing."""
        found = []
        for label, name in self._by_name:
            # A single Chinese character is part of many words.
            beside = r"\w" if len(name) == 1 else _SPACED
            # "Spam" may be "spam", but "it" is no "IT".
            forms = {name, name[:1].upper() + name[1:], name.upper()}
            word = rf"(?<!{beside})(?:{'|'.join(map(re.escape, forms))})(?!{beside})"
            answer, count = re.subn(word, " ", answer)
            found += [label] * bool(count)
        clear = len(found) == 1 and not _NEGATION.search(answer)
        return (found[0],) if clear else None


def make_verifier(
    verifier: Any, ask: Asker, problem: Problem, writer: PromptWriter, seed: int
) -> Verifier | None:
    """Return who has the last word on a text, if anybody; `verifier` is as in TextFilter."""
    if verifier is None:
        return None
    generator = ask.generator
    if isinstance(verifier, str) and verifier == "model":
        if not writer.reads_prompts:
            raise ValueError(
                f'verifier="model" asks the generator for the class of a text, and '
                f'{type(generator).__name__} answers no questions. Use verifier="embedding".'
            )
        judge = clone(generator)
        if "temperature" in judge.get_params(deep=False):
            judge.set_params(temperature=0.0)
        longest = max(generator.count_tokens(of.name) for of in problem.descriptions.values())
        return ModelVerifier(
            writer, replace(ask, generator=judge), problem, seed, longest + _BESIDE_THE_NAME
        )
    if isinstance(verifier, str):
        from sklw._cross_fitting import default_checker

        verifier = default_checker(verifier, text=True, sparse=False, random_state=0)
        verifier.set_params(logisticregression__class_weight="balanced")
    return CheckerVerifier(verifier, problem, seed)
