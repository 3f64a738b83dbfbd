"""Rounds of generation until each cell has the rows it wants, or its attempts are spent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from sklw.generators import Completion, Request
from sklw.generators._budget import planned
from sklw.generators._thinking import reject_unopened
from sklw.over_sampling._asking import Asker
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._rows import ParsedRow, RowFormat, Verdict, Verifier

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
    recorded: bool = False  # whether the rows are there already, and all may be read
    beyond: bool = False  # whether rows beyond balance are asked for by now
    sent: int = 0
    exhausted: bool = False
    accepted: list["Candidate"] = field(default_factory=list)
    candidates: int = 0

    @property
    def goal(self) -> int:
        """How many rows are wanted for now."""
        return self.cell.wanted if self.beyond else self.cell.oversample

    @property
    def missing(self) -> int:
        """How many of them are still to come."""
        return self.goal - len(self.accepted)

    @property
    def max_requests(self) -> int:
        """How many requests may be sent for them."""
        return self.goal * self.max_attempts

    @property
    def waits(self) -> bool:
        """Whether a good row is to wait until rows beyond balance are asked for."""
        return self.missing <= 0 and not self.beyond and self.cell.augment > 0

    def next_requests(self, rows_per_request: int) -> int:
        """How many requests the next round sends."""
        if self.missing <= 0 or self.exhausted:
            return 0
        left = self.max_requests - self.sent
        if self.recorded and left <= 0:
            return self.sent  # on to the last one, in few rounds
        # The share accepted so far, never below one in ten: a bad start must not flood.
        rate = max((len(self.accepted) + 1) / (self.candidates + 1), 0.1) if self.candidates else 1
        needed = ceil(self.missing / rate * (_MARGIN if self.candidates else 1.0))
        return min(ceil(needed / rows_per_request), left)


@dataclass(frozen=True)
class Candidate:
    """A row of an answer, on its way to a verdict."""

    quota: Quota
    row: ParsedRow
    shown: np.ndarray  # positions of the real rows in its prompt
    request: Request
    completion: Completion
    round: int
    cut: bool = False
    fault: str = ""  # why it is rejected whatever it says


class GenerationRun:
    """One fit's worth of generation."""

    def __init__(
        self,
        ask: Asker,
        quotas: list[Quota],
        rows: RowFormat,
        seed: int,
        verifier: Verifier | None = None,
    ) -> None:
        self.ask = ask
        self.generator = ask.generator
        self.quotas = quotas
        self.rows = rows
        self.seed = seed
        self.verifier = verifier
        self.records: list[dict[str, Any]] = []
        self._held: list[Candidate] = []  # paid for, and wanted beyond balance
        self._unverified: list[Candidate] = []
        self._verified: list[Candidate] = []  # and wanted beyond balance
        self._round = 0
        self._patterns = [rows.pattern(quota.cell) for quota in quotas]
        self._schema = rows.schema()
        self._by_text = {text: at for at, text in reversed(list(enumerate(rows.texts)))}

    def run(self) -> None:
        """Generate until every quota is met or spent, first for balance and then beyond it.

        So that what is asked for beyond balance does not change the rows for it.
        """
        if questions := self.rows.questions(self.seed) if self.quotas else []:
            answers = dict(self.ask(questions))
            self.rows.learn([answers.get(at) for at in range(len(questions))])
        try:
            try:
                goes_on = self._run_rounds()
            finally:
                # Also when interrupted: what was held back is judged and kept on record.
                for quota in self.quotas:
                    quota.beyond = True
                for candidate in self._held:
                    self._judge(candidate)
            self._verify()
            self._settle_verified()
            if goes_on:
                self._run_rounds()
        finally:
            for candidate in self._unverified:
                self._settle(candidate, "unverified")
            self._settle_verified()

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
            batch = batch[: self._n_affordable([(quota, request) for quota, _, request in batch])]
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
                        self._take(quota, shown, request, answer)
            self._verify()
            self._round += 1
            if any(answer is None for answer in answers):
                return False  # a budget is used up

    def _n_affordable(self, batch: Sequence[tuple[Quota, Request]]) -> int:
        """Return how many requests leave the budget what the verdicts on their answers cost."""
        if self.ask.budget is None or self.verifier is None:
            return len(batch)
        usage = self.ask.usage
        for n, (quota, request) in enumerate(batch[: self.verifier.portion]):
            longest = max(self.rows.texts[quota.cell.positions], key=len)
            verdicts = self.verifier.requests([longest] * self.rows.writer.n_rows)
            for each in (request, *verdicts):
                usage = planned(usage, self.generator, each)
            if self.ask.budget.spent(usage):
                return max(n, 1)  # one at least, since the cache may have its answer
        return self.verifier.portion or len(batch)

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
        prompt_number = number // self.rows.prompt.answers_per_prompt
        rng = np.random.default_rng([self.seed, place, prompt_number])
        seed = int(np.random.default_rng([self.seed, place, number, 1]).integers(2**63))
        writer = self.rows.writer
        if writer.reads_prompts:
            shown, prompt = self.rows.compose(quota.cell, rng)
        else:
            shown, prompt = np.array([], dtype=int), writer.bare(quota.cell.description)
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
        self, quota: Quota, shown: np.ndarray, request: Request, completion: Completion
    ) -> None:
        """Judge the rows of an answer, or keep them until rows beyond balance are asked for."""
        exhausted = completion.finish_reason == "exhausted"
        if exhausted and quota.exhausted:
            return  # on record already
        quota.exhausted |= exhausted
        shown, elsewhere = self._recorded_parent(shown, completion)
        fault = "exhausted" if exhausted else "parent_elsewhere" if elsewhere else ""
        for row in self._rows_of(completion, quota.cell):
            cut = completion.cut and not row.ended
            candidate = Candidate(quota, row, shown, request, completion, self._round, cut, fault)
            if not fault and quota.waits:
                self._held.append(candidate)
            else:
                self._judge(candidate)
            completion = replace(completion, prompt_tokens=0, completion_tokens=0)  # counted once

    def _rows_of(self, completion: Completion, cell: Cell) -> list[ParsedRow]:
        if completion.finish_reason == "exhausted" or not isinstance(completion.text, str):
            return [ParsedRow("")]
        if completion.finish_reason == "recorded":
            return [self.rows.take(completion, cell)]
        return self.rows.parse(completion.text, cell)

    def _judge(self, candidate: Candidate) -> None:
        verdict = self._verdict(candidate)
        candidate = replace(candidate, row=verdict.row)
        if not verdict.reason and self.verifier is not None:
            self._unverified.append(candidate)
        else:
            self._settle(candidate, verdict.reason)

    def _verdict(self, candidate: Candidate) -> Verdict:
        row, completion = candidate.row, candidate.completion
        if candidate.fault:
            return Verdict(row, candidate.fault)
        if completion.finish_reason in _UNANSWERED:
            return Verdict(row, _UNANSWERED[completion.finish_reason])
        if completion.finish_reason == "length" and not str(completion.text or "").strip():
            # Servers send the thinking beside the answer, or keep it to themselves.
            return Verdict(row, "thinking")
        if candidate.quota.missing <= 0:
            return Verdict(row, "surplus")
        return self.rows.judge(row, candidate.quota.cell, candidate.shown.tolist(), candidate.cut)

    def _verify(self) -> None:
        """Let the verifier judge what has passed the filter, and take as many as are wanted."""
        if self.verifier is None or not self._unverified:
            return
        verdicts = self.verifier.verify(
            [each.row.text for each in self._unverified],
            [each.quota.cell for each in self._unverified],
            [each.shown for each in self._unverified],
        )
        judged, self._unverified = self._unverified, []
        for candidate, is_right in zip(judged, verdicts, strict=True):
            if not is_right:
                self.rows.forget(candidate.row, candidate.quota.cell)
                self._settle(candidate, "unverified" if is_right is None else "wrong_class")
            elif candidate.quota.waits:
                self._verified.append(candidate)
            else:
                self._settle(candidate, _unless_wanted(candidate))

    def _settle_verified(self) -> None:
        verified, self._verified = self._verified, []
        for candidate in verified:
            self._settle(candidate, _unless_wanted(candidate))

    def _settle(self, candidate: Candidate, reason: str) -> None:
        """Accept a row, or reject it for a reason, and put it on record."""
        quota, cell = candidate.quota, candidate.quota.cell
        request, completion = candidate.request, candidate.completion
        purpose = "augment" if len(quota.accepted) >= cell.oversample else "oversample"
        if not reason:
            quota.accepted.append(candidate)
        quota.candidates += reason not in ("exhausted", "surplus")
        values = (
            cell.label, cell.group, _storable(candidate.row.text), purpose, not reason, reason,
            tuple(candidate.shown.tolist()), request.index, candidate.round, request.seed,
            type(self.generator).__name__, self.generator.model_name, completion.prompt_tokens,
            completion.completion_tokens, _storable(completion.finish_reason), completion.cached,
            _storable(completion.metadata.get("error", "")),
        )  # fmt: skip
        self.records.append(dict(zip(_COLUMNS, values, strict=True)))

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


def _unless_wanted(candidate: Candidate) -> str:
    return "" if candidate.quota.missing > 0 else "surplus"


def _storable(text: str) -> str:
    """Write half of a surrogate pair as an escape: frames and files cannot hold it."""
    return str(text).encode(errors="backslashreplace").decode()
