"""Answer many prompts at once, each as if it were alone."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

import torch

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning
from sklw.generators._decoding.by_generate import decode_by_generate
from sklw.generators._decoding.compilation import compiled_model
from sklw.generators._decoding.constraints import allowed_only
from sklw.generators._decoding.loading import LoadedModel
from sklw.generators._decoding.sampling import SamplingSettings, sample_tokens
from sklw.generators._decoding.slots import CHUNK, Slots
from sklw.generators._decoding.stopping import StopCheck
from sklw.generators._decoding.tasks import Task

__all__ = ["decode"]


class _Prefixes:
    """Pieces of prompts that several tasks begin with, kept until the last of them was read."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._uses = Counter(key for task in tasks for key in self.keys(task))
        self._kept: dict[tuple[int, ...], list[tuple[torch.Tensor, torch.Tensor]]] = {}

    @staticmethod
    def keys(task: Task) -> list[tuple[int, ...]]:
        """Return what identifies each piece: all tokens up to its end.

        The last token of a prompt is left out: reading it is the first step of the answer.
        """
        read = task.prompt[:-1]
        return [tuple(read[: start + CHUNK]) for start in range(0, len(read), CHUNK)]

    def load(self, slots: Slots, slot: int, key: tuple[int, ...], start: int) -> bool:
        """Copy a piece into the slot if it is known; forget it with its last use."""
        self._uses[key] -= 1
        piece = self._kept.get(key)
        if piece is None:
            return False
        slots.put_piece(slot, start, piece)
        if not self._uses[key]:
            del self._kept[key]
        return True

    def save(self, slots: Slots, slot: int, key: tuple[int, ...], start: int) -> None:
        """Keep a piece just read if another task will need it."""
        if self._uses[key]:
            self._kept[key] = slots.take_piece(slot, start)


def _admit(slots: Slots, first: int, tasks: Sequence[Task], prefixes: _Prefixes) -> None:
    """Read the prompts into the slots from `first` on, piece by piece."""
    keys = [prefixes.keys(task) for task in tasks]
    for level in range(max(map(len, keys))):
        start = level * CHUNK
        sources: dict[tuple[int, ...], int] = {}
        copies: list[tuple[int, tuple[int, ...]]] = []
        for slot, task_keys in enumerate(keys, first):
            if level >= len(task_keys):
                continue
            key = task_keys[level]
            if key in sources:
                copies.append((slot, key))
            elif not prefixes.load(slots, slot, key, start):
                sources[key] = slot
        if sources:
            pieces = [list(key[start:]) for key in sources]
            padded = [piece + [piece[-1]] * (CHUNK - len(piece)) for piece in pieces]
            slots.read_piece(list(sources.values()), padded, start)
        for key, slot in sources.items():
            prefixes.save(slots, slot, key, start)
        for slot, key in copies:
            prefixes.load(slots, slot, key, start)


def decode(
    loaded: LoadedModel,
    tasks: Sequence[Task],
    settings: SamplingSettings,
    batch_size: int,
    compile: bool = False,
) -> Iterator[tuple[Task, str, str]]:
    """Answer the tasks and yield each one with its text and finish reason, as soon as known.

    A row's arithmetic does not depend on the others: its keys and values start at position 0,
    its prompt is read in fixed pieces, and its random numbers are its own. A finished row leaves
    at once, and waiting tasks take the free slots.
    """
    check = StopCheck(loaded)
    if loaded.way.against_slots is not None:
        _warn_once(loaded)
        alone = loaded.way.alone
        yield from decode_by_generate(loaded.model, tasks, settings, batch_size, check, alone)
        return
    waiting = sorted(tasks, key=lambda task: task.room)  # taken from the end: longest first
    while waiting:
        room = waiting[-1].room
        if compile:
            # Few shapes, as each is compiled anew: all tasks at once, in powers of two.
            capacity, least = 1 << (room - 1).bit_length(), 0
            slots = Slots(loaded.model, batch_size, capacity, compiled_model(loaded))
        else:
            slots = Slots(loaded.model, min(batch_size, len(waiting)), room)
            least = room // 2  # far shorter tasks wait for smaller buffers
        split = next(i for i, task in enumerate(waiting) if task.room >= least)
        batch, waiting = waiting[split:], waiting[:split]
        yield from _run(slots, batch, settings, batch_size, check)


def _warn_once(loaded: LoadedModel) -> None:
    if not loaded.memo.get("said to be slow"):
        loaded.memo["said to be slow"] = True
        alone = (
            ", one answer at a time since batches change what it says" if loaded.way.alone else ""
        )
        warnings.warn(
            f"{type(loaded.model).__name__} is decoded by transformers' own generate{alone}, which "
            f"is slower, and compile=True has no effect, because {loaded.way.against_slots}.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def _run(
    slots: Slots,
    waiting: list[Task],
    settings: SamplingSettings,
    batch_size: int,
    check: StopCheck,
) -> Iterator[tuple[Task, str, str]]:
    prefixes = _Prefixes(waiting)
    active: list[Task] = []
    while waiting or active:
        free = batch_size - len(active)
        # Prompts are read several at a time: a single one would waste the hardware.
        if waiting and (not active or free >= max(batch_size // 8, 1)):
            new = [waiting.pop() for _ in range(min(free, len(waiting)))]
            _admit(slots, len(active), new, prefixes)
            active += new
        _step(slots, active, settings)
        for place in reversed(range(len(active))):
            task = active[place]
            ended = check(task)
            if ended is None:
                continue
            last = active.pop()
            if place < len(active):
                slots.move(len(active), place)
                active[place] = last
            yield task, *ended


def _step(slots: Slots, active: Sequence[Task], settings: SamplingSettings) -> None:
    last = [task.tokens[-1] if task.tokens else task.prompt[-1] for task in active]
    lengths = [len(task.prompt) + len(task.tokens) - 1 for task in active]
    logits = slots.step(last, lengths)
    drawn = sample_tokens(
        allowed_only(logits, active),
        [task.state for task in active],
        [len(task.tokens) for task in active],
        settings,
    )
    for task, token in zip(active, drawn.tolist(), strict=True):
        task.take(token)
