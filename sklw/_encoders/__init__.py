"""Text encoders of transformers: settings, loading, pooling and batches of tokens."""
