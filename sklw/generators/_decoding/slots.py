"""Keys and values of a batch whose rows differ in length, for any model with full attention."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache, DynamicLayer

from sklw._compat.torch import mark_static_address
from sklw._compat.transformers import cache_argument, returned_cache

__all__ = ["CHUNK", "FEWEST_ROWS", "Slots"]

# Prompts are read in pieces of this many tokens, from their start, the last one padded: what a
# piece yields then depends on the tokens up to its end alone, never on the prompts beside it, and
# prompts that begin alike share the pieces they have in common.
CHUNK = 16
_WIDTH_STEP = 64
# Matrix products of fewer rows take another path in float32, with other rounding.
FEWEST_ROWS = 16


@dataclass
class _View:
    """Which part of the buffers the layers write to and read from in one forward pass."""

    rows: torch.Tensor
    starts: torch.Tensor | int  # a number: all rows write a piece from there on
    width: int


class _SlotLayer(DynamicLayer):
    """One layer's keys and values; each slot holds its tokens from position 0 on."""

    def __init__(self, slots: "Slots") -> None:
        super().__init__()
        # Weak: in a cycle the buffers, hundreds of megabytes, would wait for the collector.
        self.slots: Slots = weakref.proxy(slots)

    def lazy_initialization(self, key_states: torch.Tensor, *args: Any) -> None:
        values = args[0] if args else key_states
        shape = (self.slots.size, key_states.shape[1], self.slots.capacity)
        # Zeros, not garbage: a masked NaN would still spoil the attention's sums.
        self.keys = key_states.new_zeros((*shape, key_states.shape[-1]))
        self.values = values.new_zeros((*shape, values.shape[-1]))
        self.dtype, self.device = key_states.dtype, key_states.device
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        return self._put(self.keys, key_states), self._put(self.values, value_states)

    def _put(self, buffer: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        view = self.slots.view
        if isinstance(view.starts, int):
            buffer[view.rows, :, view.starts : view.width] = new
            return buffer[view.rows, :, : view.width]
        buffer[view.rows, :, view.starts] = new[:, :, 0]
        return buffer[: len(view.rows)]

    def get_mask_sizes(self, query_length: int, *args: Any) -> tuple[int, int]:
        return self.slots.view.width, 0

    def get_seq_length(self, *args: Any) -> int:
        start = self.slots.view.starts
        return start if isinstance(start, int) else self.slots.view.width - 1


class Slots:
    """A fixed number of places, each for the keys and values of one text."""

    def __init__(
        self, model: Any, size: int, capacity: int, compiled: Callable[..., Any] | None = None
    ) -> None:
        self.model = model
        self._compiled = compiled
        self.size = max(size, FEWEST_ROWS)
        self.capacity = -(-capacity // _WIDTH_STEP) * _WIDTH_STEP
        self.view = _View(torch.zeros(0, dtype=torch.int64), 0, 0)
        layers = model.config.get_text_config().num_hidden_layers
        self._cache = Cache(layers=[_SlotLayer(self) for _ in range(layers)])
        self._argument = cache_argument(model)
        self._base_argument = cache_argument(model.base_model)
        self._least = torch.finfo(model.dtype).min
        self._places = torch.arange(self.capacity, device=model.device)
        if compiled is not None:  # it reads all slots at each step, so that there is one shape
            self._make_static()

    @torch.inference_mode()
    def read_piece(self, slots: Sequence[int], tokens: Sequence[Sequence[int]], start: int) -> None:
        """Read one piece of `CHUNK` tokens into each of the slots, from position `start` on."""
        device = self.model.device
        end = start + CHUNK
        self.view = _View(torch.tensor(slots, device=device), start, end)
        positions = self._places[start:end]
        blocked = self._places[:end] > positions[:, None]
        # Without the head: what a piece predicts is not asked for.
        self._forward(
            self.model.base_model,
            self._base_argument,
            torch.tensor(tokens, device=device),
            positions.expand(len(slots), -1),
            blocked.expand(len(slots), 1, -1, -1),
        )

    @torch.inference_mode()
    def step(self, tokens: Sequence[int], lengths: Sequence[int]) -> torch.Tensor:
        """Append a token to each of the first slots and return the logits of what comes next."""
        device, count = self.model.device, len(tokens)
        # Rows added write into unused slots, where nothing reads.
        extra = max((FEWEST_ROWS if self._compiled is None else self.size) - count, 0)
        ids = torch.tensor([*tokens, *[tokens[0]] * extra], device=device)
        ends = torch.tensor([*lengths, *[0] * extra], device=device)
        # The whole width: a narrower view would have to be copied in each layer.
        self.view = _View(torch.arange(len(ids), device=device), ends, self.capacity)
        blocked = (self._places > ends[:, None])[:, None, None]
        model = self._compiled or self.model
        logits: torch.Tensor = self._forward(
            model, self._argument, ids[:, None], ends[:, None], blocked
        ).logits
        return logits[:count, -1]

    def _make_static(self) -> None:
        """Make the buffers, by reading anything, and say that they stay where they are."""
        self.read_piece([0], [[0] * CHUNK], 0)
        for layer in self._cache.layers:
            mark_static_address(layer.keys)
            mark_static_address(layer.values)

    def _forward(
        self,
        module: Any,
        argument: str,
        ids: torch.Tensor,
        positions: torch.Tensor,
        blocked: torch.Tensor,
    ) -> Any:
        mask = torch.zeros(blocked.shape, dtype=self.model.dtype, device=ids.device)
        output = module(
            input_ids=ids,
            attention_mask=mask.masked_fill_(blocked, self._least),
            position_ids=positions,
            use_cache=True,
            **{argument: self._cache},
        )
        if returned_cache(output) is not self._cache:
            raise RuntimeError(
                f"{type(self.model).__name__} gives back no cache, so each token would be written "
                "without what comes before it. Use another version of transformers, or another "
                "model."
            )
        return output

    @torch.inference_mode()
    def move(self, source: int, target: int) -> None:
        """Copy one slot over another."""
        for layer in self._cache.layers:
            layer.keys[target] = layer.keys[source]
            layer.values[target] = layer.values[source]

    @torch.inference_mode()
    def take_piece(self, slot: int, start: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Copy a piece's keys and values out of a slot."""
        end = start + CHUNK
        return [
            (layer.keys[slot, :, start:end].clone(), layer.values[slot, :, start:end].clone())
            for layer in self._cache.layers
        ]

    @torch.inference_mode()
    def put_piece(
        self, slot: int, start: int, piece: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> None:
        """Copy what :meth:`take_piece` took into a slot."""
        end = start + CHUNK
        for layer, (keys, values) in zip(self._cache.layers, piece, strict=True):
            layer.keys[slot, :, start:end] = keys
            layer.values[slot, :, start:end] = values
