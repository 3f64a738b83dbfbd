"""The compiled form of a model."""

from collections.abc import Callable
from typing import Any

import torch

from sklw._compat.torch import compilation_error
from sklw.generators._decoding.loading import LoadedModel

__all__ = ["compiled_model"]


def compiled_model(loaded: LoadedModel) -> Callable[..., Any]:
    """Return the model as ``torch.compile`` makes it; it is compiled when first called."""
    if "compiled" not in loaded.memo:
        # A small model's kernels take less time than launching them: CUDA graphs launch all at
        # once.
        mode = "reduce-overhead" if loaded.device.type == "cuda" else None
        forward = torch.compile(loaded.model.forward, dynamic=False, mode=mode)
        name = type(loaded.model).__name__

        def run(**inputs: Any) -> Any:
            try:
                return forward(**inputs)
            except compilation_error() as error:
                raise RuntimeError(
                    f"{name} could not be compiled: "
                    f"{str(error).splitlines()[0]}. Compiling needs a C++ compiler, on a GPU "
                    "triton as well. Install it, or set compile=False."
                ) from error

        loaded.memo["compiled"] = run
    return loaded.memo["compiled"]
