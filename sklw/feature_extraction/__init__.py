"""Features of texts."""

from sklw.feature_extraction._embedder import TextEmbedder

__all__ = ["TextEmbedder"]
