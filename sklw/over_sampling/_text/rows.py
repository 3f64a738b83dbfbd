"""Texts: read from answers, judged and appended."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from sklw._validation import check_texts
from sklw.generators import Completion
from sklw.over_sampling._asking import Asker
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._containers import append_texts, rehearsed
from sklw.over_sampling._problem import Problem
from sklw.over_sampling._prompting import BasePrompt, Source, make_writer
from sklw.over_sampling._rows import ParsedRow, RowFormat, Verdict, Verifier
from sklw.over_sampling._text.acceptance import RowFilter, TextFilter
from sklw.over_sampling._text.parsing import AnswerParser
from sklw.over_sampling._text.talk import is_courtesy
from sklw.over_sampling._text.verification import make_verifier
from sklw.over_sampling._writer import rule_between

__all__ = ["TextFormat"]

_LATIN = re.compile(r"[\x00-/:-\x7f]+")  # without digits


class TextFormat(RowFormat):
    """Texts."""

    only_whole = False

    def __init__(
        self, problem: Problem, prompt: BasePrompt, accept: TextFilter, form: str, task: str
    ) -> None:
        texts: np.ndarray = problem.rows
        multiline = any(re.search(r"[\r\n]", text.strip()) for text in texts)
        rule = rule_between(texts)
        writer = make_writer(prompt, form, task, multiline=multiline, rule=rule)
        super().__init__(prompt, Source(prompt, texts, problem.cells, writer, self._vectors))
        self._problem, self._accept = problem, accept
        self.length_tolerance = accept.length_tolerance
        real: dict[Any, list[str]] = {}
        for text, label in zip(texts.tolist(), problem.labels, strict=True):
            real.setdefault(label, []).append(text)
        self._parser = AnswerParser(
            {label: described.name for label, described in problem.descriptions.items()},
            descriptions={label: of.description for label, of in problem.descriptions.items()},
            multiline=multiline,
            n_rows=writer.n_rows,
            real=real,
        )
        self._filter = RowFilter(texts.tolist(), problem.labels, accept, prompt._demonstration)

    def _vectors(self, positions: np.ndarray) -> np.ndarray:
        from sklw.feature_extraction import TextEmbedder

        return np.asarray(TextEmbedder().fit_transform(self.texts[positions].tolist()))

    def most_tokens(self, text: str) -> int:
        """Return one for every 2.5 bytes, as rare words take, or more where there are no words."""
        n_bytes = len(text.encode())
        runs = [len(run) for run in _LATIN.findall(text)]
        # Digits, and the bytes of scripts that a model knows badly, are tokens of their own.
        alone = n_bytes - sum(runs)
        return max(ceil(n_bytes / 2.5), alone + sum(ceil(n / 4) for n in runs))

    def verifier(self, ask: Asker, seed: int) -> Verifier | None:
        """Return the verifier that the filter names."""
        return make_verifier(self._accept.verifier, ask, self._problem, self.writer, seed)

    def training_pairs(
        self, rng: np.random.Generator, permute_columns: bool
    ) -> list[tuple[str, str]]:
        """Return each text after its class."""
        return [
            self.writer.training_pair(self.texts[at], cell.description)
            for cell in self.source.cells
            for at in cell.positions.tolist()
        ]

    def parse(self, answer: str, cell: Cell | None = None) -> list[ParsedRow]:
        """Take off what models write around a text."""
        return self._parser.parse(answer, None if cell is None else cell.label)

    def take(self, recorded: Completion, cell: Cell) -> ParsedRow:
        """Take the text, white space and all."""
        return ParsedRow(recorded.text, recorded=True)

    def judge(self, row: ParsedRow, cell: Cell, shown: Sequence[int], cut: bool) -> Verdict:
        """Judge by what the text says and how much it is like others."""
        if cut:
            row = self._parser.whole(row, cell.label)
            row = replace(row, text="") if is_courtesy(row.text) else row
        return Verdict(row, self._filter.judge(row, cell.label, shown, cut and not row.text))

    def forget(self, row: ParsedRow, cell: Cell) -> None:
        """Let the text be written for another class."""
        self._filter.forget(row.text, cell.label)

    def append(self, X: Any, rows: Sequence[ParsedRow]) -> Any:
        """Append to a list, array, Series or one-column frame."""
        return append_texts(X, [row.text for row in rows])

    def check_appendable(self, X: Any) -> None:
        """Append a text longer than all others, and look whether it is there."""
        text = "new " + max(self.texts, key=len)
        joined = rehearsed("X", X, lambda: append_texts(X, [text]))
        if check_texts(joined, estimator_name="LLMOverSampler").tolist() != [*self.texts, text]:
            raise TypeError(
                f"New texts do not fit into X, a {type(X).__name__}: {text!r} would be changed. "
                "Nothing has been sent. Pass a list, or a Series of str."
            )
