"""Find how a model is to be decoded, by a trial against transformers' ``generate``."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sklw._compat.transformers import keeps_keys_and_values
from sklw.generators._decoding.attention import use_fused_attention, use_row_attention
from sklw.generators._decoding.slots import CHUNK, Slots

__all__ = ["Way", "find_way", "generate"]

_STEPS = 3
_LENGTHS = (9 * CHUNK + 3, 2 * CHUNK + 5)  # of the prompts tried
# Greatest error, as a share of what another prompt before the same last token changes.
_TOLERANCES = {torch.float32: 0.01}
_TOLERANCE_OF_SHORT_TYPES = 0.2
# An error above this one is no rounding, in whatever type.
_MEMORY_LOST = 0.5

_WINDOW = re.compile(r"(window|window_size|chunk_size)$")
# Settings that change what is computed far beyond the length of any trial.
_BY_LENGTH = {"attn_temperature_tuning", "index_topk", "llama_4_scaling_beta"}
_BY_LENGTH_KINDS = {"rope_type": ("dynamic", "longrope"), "attention_type": ("block_sparse",)}


def generate(model: Any, rows: Sequence[Sequence[int]], n_tokens: int, **kwargs: Any) -> Any:
    """Go on from rows of equal length for a number of tokens, greedily, past any end of text."""
    ids = torch.tensor(rows, device=model.device)
    return model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=n_tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        **kwargs,
    )


@dataclass(frozen=True)
class Way:
    """How answers are written."""

    against_slots: str | None = None  # why by `generate`; None if by slots, which are faster
    alone: bool = False  # whether a batch would change what the model says


def find_way(model: Any) -> Way:
    """Find the fastest way that yields what ``generate`` yields.

    The configuration tells of windows and other limits too far off to be met in a trial; the
    trial, on prompts of ordinary length, tells of everything else. The attention is left as it
    is to be used.
    """
    try:
        trial = _Trial(model)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise RuntimeError(
            f"{type(model).__name__} cannot be decoded by the installed transformers "
            f"({_first_line(error)}). Use another version of transformers, or another model."
        ) from error
    switched = use_row_attention(model)
    reason = _reason_in_config(model.config.get_text_config()) or trial.reason_against_slots()
    if reason is None:
        return Way()
    if switched and not trial.agrees(trial.again()):
        use_fused_attention(model)
    trial.check_memory()
    return Way(reason, alone=not trial.agrees(trial.again(beside=True)))


def _reason_in_config(config: Any) -> str | None:
    if not keeps_keys_and_values(config):
        return "its layers keep something other than the keys and values of all tokens"
    for name, value in _settings(config.to_dict()):
        limited = _WINDOW.search(name) and isinstance(value, int) and value > 0
        if limited and getattr(config, "use_sliding_window", True):
            return f"its attention is limited ({name}={value})"
        by_kind = any(kind in str(value) for kind in _BY_LENGTH_KINDS.get(name, ()))
        if by_kind or (name in _BY_LENGTH and value):
            return f"what it computes changes with the length of the text ({name}={value!r})"
    return None


def _settings(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values, those of nested settings too."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _settings(value)
        else:
            yield str(name), value


class _Trial:
    """What ``generate`` makes of two prompts, to compare with."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._prompts = _prompts(model)
        self._greedy = [_greedy(model, prompt) for prompt in self._prompts]
        self._expected = [logits for _, logits in self._greedy]

    def again(self, **settings: Any) -> list[torch.Tensor]:
        """Return the logits of the same texts, computed once more in another way."""
        texts = zip(self._prompts, self._greedy, strict=True)
        return [
            _greedy(self._model, prompt, answer, **settings)[1] for prompt, (answer, _) in texts
        ]

    def agrees(self, found: Sequence[torch.Tensor]) -> bool:
        """Tell whether logits are the expected ones, but for rounding."""
        tolerance = _TOLERANCES.get(self._model.dtype, _TOLERANCE_OF_SHORT_TYPES)
        return self._error(found) <= tolerance

    def reason_against_slots(self) -> str | None:
        try:
            found = self._in_slots()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # models refuse what they do not know in any way they like
            return f"it does not take a cache of slots ({_first_line(error)})"
        return None if self.agrees(found) else "a cache of slots changes what it says"

    def check_memory(self) -> None:
        """Raise where single tokens are read without what came before them."""
        if self._error(self.again(use_cache=False)) > _MEMORY_LOST:
            name = type(self._model).__name__
            raise RuntimeError(
                f"{name} gives back no usable cache: with this version of transformers, "
                "`generate` would write each token without what comes before it. Use another "
                "version of transformers, or another model."
            )

    def _error(self, found: Sequence[torch.Tensor]) -> float:
        spread = (self._expected[0][0] - self._expected[1][0]).norm()
        errors = [
            (ours - expected).norm(dim=-1).max()
            for ours, expected in zip(found, self._expected, strict=True)
        ]
        return float(max(errors) / spread.clamp(min=1e-9))

    @torch.inference_mode()
    def _in_slots(self) -> list[torch.Tensor]:
        """Return the logits of each step, both texts at once."""
        slots = Slots(self._model, len(self._prompts), len(self._prompts[0]) + _STEPS)
        for start in range(0, len(self._prompts[0]) - 1, CHUNK):
            pieces = [prompt[:-1][start : start + CHUNK] for prompt in self._prompts]
            pieces = [piece + [piece[-1]] * (CHUNK - len(piece)) for piece in pieces if piece]
            slots.read_piece(range(len(pieces)), pieces, start)
        texts = [
            [*prompt, *answer]
            for prompt, (answer, _) in zip(self._prompts, self._greedy, strict=True)
        ]
        steps = []
        for step in range(_STEPS):
            places = [len(prompt) - 1 + step for prompt in self._prompts]
            last = [text[place] for text, place in zip(texts, places, strict=True)]
            steps.append(slots.step(last, places).float())
        return list(torch.stack(steps, dim=1))


def _prompts(model: Any) -> list[list[int]]:
    """Return two unlike prompts with the same last token, the longer one first."""
    config = model.config.get_text_config()
    context = getattr(config, "max_position_embeddings", None) or sum(_LENGTHS)
    longest = max(min(_LENGTHS[0], context - _STEPS), 3)
    lengths = (longest, min(_LENGTHS[1], longest - 1))
    random = torch.Generator().manual_seed(0)
    drawn = [torch.randint(config.vocab_size, (n,), generator=random).tolist() for n in lengths]
    return [[*tokens[:-1], drawn[0][-1]] for tokens in drawn]


def _greedy(
    model: Any,
    prompt: list[int],
    answer: Sequence[int] | None = None,
    beside: bool = False,
    **settings: Any,
) -> tuple[list[int], torch.Tensor]:
    """Return the tokens that ``generate`` goes on with, or a given answer, and their logits.

    If asked for, another row is beside it.
    """

    def force(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if answer is None:
            return logits
        forced = torch.full_like(logits, -torch.inf)
        forced[:, answer[ids.shape[1] - len(prompt)]] = 0
        return forced

    output = generate(
        model,
        [prompt, prompt[::-1]] if beside else [prompt],
        _STEPS,
        logits_processor=[force],
        output_logits=True,
        return_dict_in_generate=True,
        **settings,
    )
    logits = torch.stack([step[0] for step in output.logits]).float()
    return output.sequences[0, len(prompt) :].tolist(), logits


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
