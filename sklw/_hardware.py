"""Which device to compute on, and in which precision to multiply there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import RLock

import torch

from sklw._compat.torch import cpu_instructions

__all__ = ["autocast", "choose_device", "choose_precision", "resolve_device", "seeded"]

# Dropout within transformers draws from torch's only generator: there is none for each thread.
_turn = RLock()


def resolve_device(device: str | torch.device) -> str:
    """Resolve ``"auto"`` to the best device present: CUDA, then Apple's MPS, then the CPU."""
    if device != "auto":
        return str(device)
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_device(device: str | torch.device) -> str:
    """Resolve ``"auto"``, and find out whether there is such a device."""
    resolved = resolve_device(device)
    try:
        torch.empty(1, device=resolved)
    # torch without CUDA raises AssertionError, an unknown name RuntimeError.
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise ValueError(
            f"device={resolved!r} cannot be used on this machine: {reason}. Use device='auto', "
            "which takes a GPU if torch finds one and the CPU otherwise."
        ) from error
    return resolved


@lru_cache
def choose_precision(precision: str, device: str) -> torch.dtype:
    """Resolve ``"auto"`` to bfloat16 where the hardware is faster in it, else float32."""
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    kind = torch.device(device).type
    if kind == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = kind == "cpu" and _multiplies_faster_in_bfloat16(cpu_instructions())
    return torch.bfloat16 if fast else torch.float32


def _multiplies_faster_in_bfloat16(instructions: set[str]) -> bool:
    """Whether a CPU with these instructions is faster in bfloat16; without any torch emulates it.

    Intel CPUs since Sapphire Rapids, which alone have avx512_fp16, have an AVX-512 BF16 that is
    half as fast as float32: they are meant to use AMX, which virtual machines may hide.
    """
    if instructions & {"amx_bf16", "bf16"}:
        return True
    return "avx512_bf16" in instructions and "avx512_fp16" not in instructions


def autocast(precision: str, device: str) -> AbstractContextManager:
    """Return the context for matrix products in the given precision; no-op for float32."""
    dtype = choose_precision(precision, device)
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=dtype)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch within a block and put its random state back afterwards.

    Threads take turns: a block waits until that of another thread has ended.
    """
    kind = torch.device(device)
    with _turn:
        if kind.type != "cuda":
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                yield
            return
        index = torch.cuda.current_device() if kind.index is None else kind.index
        # Not torch.manual_seed: it would reseed every other GPU too.
        with torch.random.fork_rng(devices=[index]), torch.cuda.device(index):
            torch.default_generator.manual_seed(seed)
            torch.cuda.manual_seed(seed)
            yield
