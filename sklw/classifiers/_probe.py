"""Where a classification head starts: at a logistic regression on the untrained encoder."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import Subset

__all__ = ["draw_probe_rows", "fit_head"]

# More rows would cost time and change little: with many, training makes up for a poor start.
MAX_ROWS = 512
MIN_ROWS_PER_CLASS = 8


def draw_probe_rows(codes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw about `MAX_ROWS` rows, and say how many rows of its class each stands for."""
    share = max(MIN_ROWS_PER_CLASS, MAX_ROWS // len(np.unique(codes)))
    shuffled = pd.Series(np.random.default_rng(seed).permutation(len(codes)))
    rank = shuffled.groupby(codes[shuffled]).cumcount()
    rows = np.sort(shuffled[rank < share].to_numpy())
    factors = np.bincount(codes) / np.maximum(np.bincount(codes[rows]), 1)
    return rows, factors[codes[rows]]


def fit_head(net: Any, train: Any) -> None:
    """Set the head of a net to a logistic regression on what its encoder makes of the texts.

    With a head that starts at random the first steps of training move the encoder towards
    nothing in particular, and few rows make for few steps. Fitting the head first and then all
    of the network is the recipe of Kumar et al., "Fine-Tuning can Distort Pretrained Features
    and Underperform Out-of-Distribution", ICLR 2022.

    The regression minimises ``sum(w * l) / sum(w) + |coefficients| ** 2 / 2``. A module without
    ``embed`` and ``head`` is left as it is, and so is any where a class has no row.
    """
    seed = net._draw_seed()
    head = getattr(net.module_, "head", None)
    if not hasattr(net.module_, "embed") or not isinstance(head, nn.Linear):
        return
    rows, data = np.arange(len(train)), train
    while isinstance(data, Subset):
        rows, data = np.asarray(data.indices)[rows], data.dataset
    drawn, weights = draw_probe_rows(data.codes[rows], seed)
    rows = rows[drawn]
    codes = data.codes[rows]
    if len(np.unique(codes)) < head.out_features:
        return
    if data.sample_weight is not None:
        weights = weights * data.sample_weight[rows]
    if data.quality is not None:
        weights = weights * np.nan_to_num(data.quality[rows], nan=1.0)
    if not weights.any():
        return
    model = LogisticRegression(C=1 / len(rows), tol=1e-6, max_iter=1000)
    model.fit(_embed(net, Subset(data, rows.tolist())), codes, weights / weights.mean())
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # two classes: the regression has only their difference
        weight, bias = (np.concatenate([-part, part]) / 2 for part in (weight, bias))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(weight))
        head.bias.copy_(torch.as_tensor(bias))


def _embed(net: Any, dataset: Subset) -> np.ndarray:
    batches = net.get_iterator(dataset, training=False)
    was_training = net.module_.training
    net.module_.eval()
    with torch.inference_mode():
        parts = [
            net.module_.embed(
                inputs["input_ids"].to(net.device), inputs["attention_mask"].to(net.device)
            )
            for inputs, _ in batches
        ]
    net.module_.train(was_training)
    found = torch.cat(parts).double().cpu().numpy()
    features = np.empty_like(found)
    features[np.concatenate(batches.batches)] = found
    return features
