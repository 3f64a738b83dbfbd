"""Rounds of generation until each cell has the rows it wants, or its attempts are spent."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from sklw.generators import BaseGenerator, Completion, Request
from sklw.generators._thinking import reject_unopened
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._rows import RowFormat
from sklw.over_sampling._text.parsing import ParsedRow
from sklw.over_sampling._text.verification import Verifier

__all__ = ["GenerationRun", "Quota"]

_UNANSWERED = {"error": "refused", "thinking": "thinking"}
# Asking for a little more than the missing rows saves rounds of a few rows each.
_MARGIN = 1.1
_COLUMNS = [
    "label", "group", "text", "purpose", "accepted", "reason", "parents", "prompt_id", "round",
    "seed", "backend", "model", "prompt_tokens", "completion_tokens", "finish_reason", "cached",
    "message",
]  # fmt: skip
# What may become of an answer that was cut.
_FROM_CUTTING = ("empty", "truncated", "too_short", "unparsable")


@dataclass
class Quota:
    """What one cell has got."""

    cell: Cell
    max_attempts: int
    max_new_tokens: int | None = None
    beyond: bool = False  # whether rows beyond balance are asked for by now
    sent: int = 0
    exhausted: bool = False
    rows: list[tuple[ParsedRow, np.ndarray]] = field(default_factory=list)
    candidates: int = 0

    @property
    def goal(self) -> int:
        """How many rows are wanted for now."""
        return self.cell.wanted if self.beyond else self.cell.oversample

    @property
    def missing(self) -> int:
        """How many of them are still to come."""
        return self.goal - len(self.rows)

    @property
    def max_requests(self) -> int:
        """How many requests may be sent for them."""
        return self.goal * self.max_attempts

    def next_requests(self, rows_per_request: int) -> int:
        """How many requests the next round sends."""
        if self.missing <= 0 or self.exhausted:
            return 0
        # The share accepted so far, never below one in ten: a bad start must not flood.
        rate = max((len(self.rows) + 1) / (self.candidates + 1), 0.1) if self.candidates else 1.0
        needed = ceil(self.missing / rate * (_MARGIN if self.candidates else 1.0))
        return min(ceil(needed / rows_per_request), self.max_requests - self.sent)


class GenerationRun:
    """One fit's worth of generation.

    Parameters
    ----------
    generator : BaseGenerator
        Who answers.
    ask : callable
        ``ask(requests)`` yields ``(index, completion)``, through the cache if there is one.
    quotas : list of Quota
        What each cell wants.
    rows : RowFormat
        How rows are shown, read and judged.
    seed : int
        Root of all random numbers of the run.
    answers_per_prompt : int
        Requests in a row that show the same rows.
    verifier : Verifier or None
        Has the last word on a row.
    portion : int or None
        Requests sent at most before their answers are verified.
    """

    def __init__(
        self,
        *,
        generator: BaseGenerator,
        ask: Callable[[Sequence[Request]], Iterable[tuple[int, Completion]]],
        quotas: list[Quota],
        rows: RowFormat,
        seed: int,
        answers_per_prompt: int = 1,
        verifier: Verifier | None = None,
        portion: int | None = None,
    ) -> None:
        self.answers_per_prompt = answers_per_prompt
        self.verifier = verifier
        self.portion = portion
        self.generator = generator
        self.ask = ask
        self.quotas = quotas
        self.rows = rows
        self.seed = seed
        self.records: list[dict[str, Any]] = []
        self._held: list[tuple[Any, ...]] = []  # paid for, and wanted beyond balance
        self._unverified: list[tuple[Any, ...]] = []
        self._verified: list[tuple[Any, ...]] = []  # and wanted beyond balance
        self._round = 0
        self._patterns = [rows.pattern(quota.cell) for quota in quotas]
        self._schema = rows.schema()
        self._by_text = {text: at for at, text in reversed(list(enumerate(rows.texts)))}

    def run(self) -> None:
        """Generate until every quota is met or spent, first for balance and then beyond it.

        So that what is asked for beyond balance does not change the rows for it.
        """
        if questions := self.rows.preliminary(self.seed) if self.quotas else []:
            answers = dict(self.ask(questions))
            self.rows.learn([answers.get(at) for at in range(len(questions))])
        try:
            try:
                goes_on = self._run_rounds()
            finally:
                # Also when interrupted: what was held back is judged and kept on record.
                for quota in self.quotas:
                    quota.beyond = True
                for arguments in self._held:
                    self._judge(*arguments)
            self._verify()
            verified, self._verified = self._verified, []
            for verified_row in verified:
                self._settle("" if verified_row[0].missing > 0 else "surplus", *verified_row)
            if goes_on:
                self._run_rounds()
        finally:
            for arguments in self._unverified:
                self._settle("unverified", *arguments)
            for arguments in self._verified:
                self._settle("" if arguments[0].missing > 0 else "surplus", *arguments)

    def _run_rounds(self) -> bool:
        """Generate until the goals are met or spent; False if a budget ended it."""
        while True:
            batch = [
                (quota, *self.request(quota, at))
                for quota in self.quotas
                for at in range(
                    quota.sent, quota.sent + quota.next_requests(self.rows.writer.n_rows)
                )
            ]
            if not batch:
                return True
            batch = batch[: self.portion]
            answers: list[Completion | None] = [None] * len(batch)
            try:
                for at, completion in self.ask([request for _, _, request in batch]):
                    answers[at] = completion
            finally:
                # Also when interrupted: what has been answered is judged and kept on record.
                answers = reject_unopened(answers)
                for (quota, shown, request), answer in zip(batch, answers, strict=True):
                    if answer is not None:
                        quota.sent += 1
                        self._take(quota, shown, request, answer, self._round)
            self._verify()
            self._round += 1
            if any(answer is None for answer in answers):
                return False  # a budget is used up

    def provenance(self) -> pd.DataFrame:
        """One row for each candidate, accepted or not."""
        return pd.DataFrame.from_records(self.records, columns=_COLUMNS)

    def rejections(self, cell: Cell) -> Counter:
        """Count the rejections of a cell by reason."""
        return Counter(record["reason"] for record in self._rejected(cell))

    def cut(self, cell: Cell) -> int:
        """Count the rejections of a cell for which the bound of the answer may be the cause."""
        return sum(
            record["finish_reason"] == "length" and record["reason"] in _FROM_CUTTING
            for record in self._rejected(cell)
        )

    def _rejected(self, cell: Cell) -> list[dict[str, Any]]:
        return [
            record
            for record in self.records
            if (record["label"], record["group"]) == (cell.label, cell.group)
            and not record["accepted"]
        ]

    def request(self, quota: Quota, number: int) -> tuple[np.ndarray, Request]:
        """Return the rows shown in a request of a cell, and the request."""
        # Depends on cell and running number alone, so rounds and batches do not matter.
        place = self.quotas.index(quota)
        prompt_number = number // self.answers_per_prompt
        rng = np.random.default_rng([self.seed, place, prompt_number])
        seed = int(np.random.default_rng([self.seed, place, number, 1]).integers(2**63))
        writer = self.rows.writer
        if writer.reads_prompts:
            shown, prompt = self.rows.compose(quota.cell, rng)
        else:
            shown = np.array([], dtype=int)
            prompt = writer.write([], quota.cell.description)
        request = Request(
            prompt=prompt,
            seed=0 if writer.form == "none" else seed,
            label=quota.cell.label,
            stop=writer.stop,
            max_new_tokens=quota.max_new_tokens,
            index=number,
            group=quota.cell.group,
            pattern=self._patterns[place],
            schema=self._schema,
        )
        return shown, request

    def _take(
        self,
        quota: Quota,
        shown: np.ndarray,
        request: Request,
        completion: Completion,
        round_number: int,
    ) -> None:
        exhausted = completion.finish_reason == "exhausted"
        if exhausted and quota.exhausted:
            return  # on record already
        quota.exhausted |= exhausted
        shown, elsewhere = self._recorded_parent(shown, completion)
        rows = self._rows_of(completion, quota.cell)
        for place, row in enumerate(rows):
            # Of several rows in a cut answer only the last is incomplete.
            cut = completion.cut and place == len(rows) - 1
            fault = "exhausted" if exhausted else "parent_elsewhere" if elsewhere else ""
            arguments = (quota, row, fault, cut, shown, request, completion, round_number)
            if not fault and quota.missing <= 0 and not quota.beyond and quota.cell.augment:
                self._held.append(arguments)
            else:
                self._judge(*arguments)
            completion = replace(completion, prompt_tokens=0, completion_tokens=0)  # counted once

    def _rows_of(self, completion: Completion, cell: Cell) -> list[ParsedRow]:
        if completion.finish_reason == "exhausted" or not isinstance(completion.text, str):
            return [ParsedRow("")]
        if completion.finish_reason == "recorded":
            return [self.rows.take(completion, cell)]
        return self.rows.parse(completion.text, cell)

    def _judge(
        self,
        quota: Quota,
        row: ParsedRow,
        reason: str,
        cut: bool,
        shown: np.ndarray,
        request: Request,
        completion: Completion,
        round_number: int,
    ) -> None:
        if not reason and completion.finish_reason in _UNANSWERED:
            reason = _UNANSWERED[completion.finish_reason]
        elif (
            not reason
            and completion.finish_reason == "length"
            and not str(completion.text or "").strip()
        ):
            reason = "thinking"  # which servers send beside the answer, or keep to themselves
        elif not reason and quota.missing <= 0:
            reason = "surplus"
        elif not reason:
            row, reason = self.rows.judge(row, quota.cell, shown.tolist(), cut)
        if not reason and self.verifier is not None:
            self._unverified.append((quota, row, shown, request, completion, round_number))
        else:
            self._settle(reason, quota, row, shown, request, completion, round_number)

    def _verify(self) -> None:
        """Let the verifier judge what has passed the filter, and take as many as are wanted."""
        if self.verifier is None or not self._unverified:
            return
        quotas, rows, shown, *_ = zip(*self._unverified, strict=True)
        verdicts = self.verifier.verify(
            [row.text for row in rows], [quota.cell for quota in quotas], shown
        )
        settled, self._unverified = self._unverified, []
        reasons = {True: "", False: "wrong_class", None: "unverified"}
        for quota, arguments, verdict in zip(quotas, settled, verdicts, strict=True):
            if not verdict:
                self.rows.forget(arguments[1])
            elif quota.missing <= 0 and not quota.beyond and quota.cell.augment:
                self._verified.append(arguments)
                continue
            full = "" if quota.missing > 0 else "surplus"
            self._settle(reasons[verdict] or full, *arguments)

    def _settle(
        self,
        reason: str,
        quota: Quota,
        row: ParsedRow,
        shown: np.ndarray,
        request: Request,
        completion: Completion,
        round_number: int,
    ) -> None:
        purpose = "augment" if len(quota.rows) >= quota.cell.oversample else "oversample"
        if not reason:
            quota.rows.append((row, shown))
        quota.candidates += reason not in ("exhausted", "surplus")
        self._record(quota, row, purpose, reason, shown, request, completion, round_number)

    def _recorded_parent(
        self, shown: np.ndarray, completion: Completion
    ) -> tuple[np.ndarray, bool]:
        """Return the rows shown; recorded rows may know the text they were made from."""
        parent = completion.metadata.get("parent")
        if parent is None:
            return shown, False
        at = self._by_text.get(parent)
        # Its parent may be in a test fold, where its paraphrase in training would be a leak.
        return (shown, True) if at is None else (np.array([at]), False)

    def _record(
        self,
        quota: Quota,
        row: ParsedRow,
        purpose: str,
        reason: str,
        shown: np.ndarray,
        request: Request,
        completion: Completion,
        round_number: int,
    ) -> None:
        values = (
            quota.cell.label, quota.cell.group, _storable(row.text), purpose, not reason, reason,
            tuple(shown.tolist()), request.index, round_number, request.seed,
            type(self.generator).__name__, self.generator.model_name, completion.prompt_tokens,
            completion.completion_tokens, _storable(completion.finish_reason), completion.cached,
            _storable(completion.metadata.get("error", "")),
        )  # fmt: skip
        self.records.append(dict(zip(_COLUMNS, values, strict=True)))


def _storable(text: str) -> str:
    """Write half of a surrogate pair as an escape: frames and files cannot hold it."""
    return str(text).encode(errors="backslashreplace").decode()
