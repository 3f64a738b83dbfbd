"""The network of BertClassifier: an encoder, a pooling and a linear head."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from sklw._encoders.loading import pool
from sklw._hardware import autocast
from sklw.classifiers._dropout import replace_dropout

__all__ = ["EncoderClassifier"]


class EncoderClassifier(nn.Module):
    """A text encoder with a linear classification head.

    Parameters
    ----------
    encoder : torch.nn.Module
        A model of transformers that returns ``last_hidden_state``.
    n_classes : int
        Number of classes.
    pooling : str or sequence of str, default="mean"
        How the hidden states become one vector: see :class:`sklw.TextEmbedder`. The vectors of
        several poolings are concatenated.
    dropout : float or None, default=None
        Dropout of the encoder and before the head; None leaves the encoder's own and uses
        0.1 before the head.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Type of the encoder's matrix products; pooling and head are computed in float32.
    """

    def __init__(
        self,
        encoder: Any,
        n_classes: int,
        pooling: str | Sequence[str] = "mean",
        dropout: float | None = None,
        precision: str = "auto",
    ):
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.precision = precision
        self.dropout = nn.Dropout(0.1)
        config = encoder.config
        # Encoders differ widely in the scale of their vectors; without this, so would the right
        # learning rate of the head.
        width = config.hidden_size * (1 if isinstance(pooling, str) else len(pooling))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.head = nn.Linear(width, n_classes)
        nn.init.normal_(self.head.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(self.head.bias)
        replace_dropout(self, dropout)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits of a padded batch, in float32."""
        return self.head(self.dropout(self.embed(input_ids, attention_mask)))

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the head's input, before dropout: a vector a text, of mean 0 and variance 1."""
        # Resolved at each call: a net trained on a GPU may go on living on a CPU.
        with autocast(self.precision, input_ids.device.type):
            hidden = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state
        return self.norm(pool(hidden, attention_mask, self.pooling))
