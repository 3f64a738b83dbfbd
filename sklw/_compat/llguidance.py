"""What is unstable in llguidance."""

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["UnreadableTokenizerError", "fill_mask", "read_tokenizer"]

_SAMPLE = "Row: 0.5, red;\n-12 a'b \u00e9"


class UnreadableTokenizerError(ValueError):
    """llguidance does not read a tokenizer, or reads other texts than it writes."""


def read_tokenizer(tokenizer: Any, n_vocabulary: int, stop_ids: Iterable[int]) -> Any:
    """Return llguidance's form of a fast tokenizer of transformers."""
    from llguidance import LLTokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UnreadableTokenizerError("it is not a fast tokenizer")
    try:
        reader = LLTokenizer(backend.to_str(), n_vocab=n_vocabulary, eos_token=sorted(stop_ids))
        ids = tokenizer(_SAMPLE, add_special_tokens=False)["input_ids"]
        expected = tokenizer.decode(ids, clean_up_tokenization_spaces=False).strip()
        text = b"".join(reader.decode_bytes([id_]) for id_ in ids).decode(errors="replace").strip()
    except BaseException as error:  # panics of its Rust code are no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise UnreadableTokenizerError(
            (str(error) or type(error).__name__).splitlines()[0]
        ) from error
    if text != expected:
        raise UnreadableTokenizerError(f"it reads {text!r} where the tokenizer says {expected!r}")
    return reader


def fill_mask(matcher: Any, mask: np.ndarray) -> None:
    """Write the bits of the tokens that may come next into a row of 32-bit words."""
    matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
