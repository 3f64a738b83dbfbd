"""BertClassifier on several devices at once, with Hugging Face's accelerate."""

from collections.abc import Iterator
from itertools import chain, cycle, islice
from typing import Any

import torch

from sklw.classifiers._bert import BertClassifier

__all__ = ["AcceleratedBertClassifier"]


class AcceleratedBertClassifier(BertClassifier):
    """A :class:`sklw.BertClassifier` that several processes train together, one on each device.

    Each process takes its share of the batches, and their gradients are averaged: a step sees
    `batch_size` rows of every process, and an epoch has correspondingly fewer steps. All processes
    must make the same calls with the same data. After training, each of them holds the same network
    and predicts on its own.

    Start them with ``accelerate launch --num_processes 4 script.py``; in a single process this is
    a BertClassifier. Needs accelerate: ``pip install accelerate``.

    Parameters
    ----------
    model, **kwargs
        As in :class:`sklw.BertClassifier`. With ``device="auto"`` each process uses its own GPU.

    Raises
    ------
    ImportError
        If accelerate is not installed.

    Notes
    -----
    skorch's own integration, ``AccelerateMixin``, distributes the batches of a DataLoader and
    keeps the network wrapped. Here batches consist of texts of similar length, and the network is
    wrapped only during training, so that the classifier can be pickled and cloned like any other.

    Examples
    --------
    >>> from sklw.classifiers import AcceleratedBertClassifier
    >>> clf = AcceleratedBertClassifier(max_epochs=3, random_state=0)
    """

    _parallel: Any = None

    @property
    def _accelerator(self) -> Any:
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise ImportError(
                "AcceleratedBertClassifier needs the package accelerate. Run `pip install "
                "accelerate`, or use BertClassifier on a single device."
            ) from error
        # All instances share one state, which cannot be pickled and need not be kept. Precision is
        # left to `precision`.
        return Accelerator(cpu=torch.device(self.device).type == "cpu", mixed_precision="no")

    def _draw_seed(self) -> int:
        seed = [super()._draw_seed()]
        if self._accelerator.num_processes > 1:
            from accelerate.utils import broadcast_object_list

            broadcast_object_list(seed)  # without random_state each would draw its own
        return int(seed[0])

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches; in training, only this process's share."""
        batches = super().get_iterator(dataset, training=training)
        accelerator = self._accelerator
        if not training or accelerator.num_processes == 1:
            return batches
        return _Share(batches, accelerator.process_index, accelerator.num_processes)

    def run_single_epoch(self, iterator: Any, training: bool, *args: Any, **kwargs: Any) -> None:
        """Iterate over the batches once; in training, with all processes together."""
        accelerator = self._accelerator
        if training and accelerator.num_processes > 1:
            # Its method: skorch lets no module be set here.
            self._parallel = accelerator.prepare_model(self.module_).__call__
        try:
            super().run_single_epoch(iterator, training, *args, **kwargs)
        finally:
            self._parallel = None

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Compute the logits of a batch."""
        if self._parallel is None:
            return super().infer(x, **fit_params)
        inputs = {key: x[key].to(self.device) for key in ("input_ids", "attention_mask")}
        logits: torch.Tensor = self._parallel(**inputs, **fit_params)
        return logits


class _Share:
    """Every n-th batch; the first batches fill up the last round if it is not complete."""

    def __init__(self, batches: Any, place: int, n: int) -> None:
        self._batches, self._place, self._n = batches, place, n

    def __len__(self) -> int:
        return -(-len(self._batches) // self._n)

    def __iter__(self) -> Iterator[Any]:
        everything = list(self._batches)
        filled = islice(chain(everything, cycle(everything)), len(self) * self._n)
        return islice(filled, self._place, None, self._n)
