"""Errors and warnings of sklw."""

__all__ = ["EndpointError", "GenerationWarning", "ModelNotFoundError", "NotEnoughGeneratedError"]


class ModelNotFoundError(OSError):
    """A model could not be found or loaded; the message says which package or path would help."""


class NotEnoughGeneratedError(RuntimeError):
    """Generation ended with too few rows; the message counts the rejections by reason."""


class EndpointError(RuntimeError):
    """A model behind an endpoint cannot be used; the message says why and what to do."""


class GenerationWarning(UserWarning):
    """Generation ended with too few rows, or rejected an unusual share of the answers."""
