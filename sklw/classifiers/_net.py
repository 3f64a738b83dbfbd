"""skorch's training loop adapted to tokenised, weighted, length-bucketed texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils import check_random_state
from skorch.callbacks import EarlyStopping
from skorch.utils import TeeGenerator, data_from_dataset, is_dataset, to_device, to_tensor
from torch import nn
from transformers import get_scheduler

from sklw._encoders.batches import tokenize, tokens_at_once
from sklw._encoders.loading import load_encoder, longest_input, pooling_of, shared_encoder
from sklw._hardware import choose_device, seeded
from sklw._validation import check_texts
from sklw.classifiers._checks import check_callbacks, with_class_weight
from sklw.classifiers._data import TextDataset, hold_out, real_alone
from sklw.classifiers._dropout import replace_dropout
from sklw.classifiers._losses import row_factors, weighted_mean
from sklw.classifiers._probe import fit_head
from sklw.classifiers._skorch import ScikitLearnNet

__all__ = ["TextNet"]

_OF_ROW_WEIGHTS = ("quality", "synthetic")
# Parameters that are read when the parts of the net are built.
_OF_NETWORK = ("model", "pooling", "dropout", "precision")
_OF_PARTS = (*_OF_NETWORK, "label_smoothing", "weight_decay", "early_stopping")
# Rows in a prediction batch: without gradients there is room for more than in training.
MIN_PREDICTION_BATCH = 64
DEFAULT_PATIENCE = 3
# With short texts plain attention is a tenth faster to train on CPUs than the fused one.
LONGEST_EAGER = 256


class TextNet(ScikitLearnNet):
    """The part of :class:`BertClassifier` that meets skorch.

    The methods are hooks of :class:`skorch.NeuralNetClassifier`, whose documentation gives their
    parameters.
    """

    finish_: Any = None
    head_is_fitted_: bool = False
    built_from_: dict[str, Any] = {}

    # -- construction -------------------------------------------------------------------------

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def initialize(self) -> Self:
        """Load the encoder and build everything that training needs.

        Returns
        -------
        self : object
            The initialized net.
        """
        self._validate_settings()
        with seeded(self._draw_seed(), self.device):
            super().initialize()
        return self

    def _check_ready(self, X: Any = None, y: Any = None, *given: Any) -> None:
        """Find out whether there is such a model, and whether its classes are those of y."""
        choose_device(self.device)
        shared_encoder(self.model, "cpu")
        if y is not None:
            with_class_weight(None, self.class_weight, np.asarray(y), np.unique(y))

    def initialize_module(self) -> Self:
        """Load the tokenizer and put a head on the encoder."""
        if not hasattr(self, "classes_"):
            raise ValueError(
                "The number of classes is not known before fit. Call fit(X, y), or pass "
                "classes=[...] to initialize without data."
            )
        self.tokenizer_, encoder = load_encoder(self.model)
        if self.device == "cpu" and self.max_length <= LONGEST_EAGER:
            encoder.set_attn_implementation("eager")
        settings = {
            "n_classes": len(self.classes_),
            "pooling": (
                pooling_of(self.model, encoder) if self.pooling == "auto" else self.pooling
            ),
            "dropout": self.dropout,
            "precision": self.precision,
            **self.get_params_for("module"),
        }
        self.module_ = self.module(encoder, **settings)
        self.head_is_fitted_ = False
        self.built_from_ = self._parts_now()
        return self

    def _parts_now(self) -> dict[str, Any]:
        # Early stopping after 1 epoch is not the True that stands for 3.
        return {name: (type(getattr(self, name)), getattr(self, name)) for name in _OF_PARTS}

    def _follow_parameters(self) -> None:
        """Heed what was set since the net was built, as skorch does for the parameters with __."""
        now = self._parts_now() if self.built_from_ else {}
        changed = {name for name, value in now.items() if value != self.built_from_[name]}
        changed -= self.get_params_for("module").keys()  # module__dropout stands above dropout
        for name in changed.intersection(_OF_NETWORK):
            if name in ("model", "pooling") or not hasattr(self.module_, name):
                raise ValueError(
                    f"{name} was set to {now[name][1]!r}, which cannot change when training "
                    "continues. Call fit with warm_start=False for a new network."
                )
        if "dropout" in changed:
            replace_dropout(self.module_, self.dropout)
        if "precision" in changed:
            self.module_.precision = self.precision
        if "label_smoothing" in changed:
            self._initialize_criterion()
        if changed & {"label_smoothing", "weight_decay"}:
            self._initialize_optimizer()  # a criterion may have parameters that it trains
        if "early_stopping" in changed:
            self._initialize_callbacks()
        self.built_from_ = now

    def torch_compile(self, module: Any, name: str) -> Any:
        """Compile the encoder, where the time goes, for batches of any size."""
        if self.compile and name == "module":
            module.encoder.compile(**{"dynamic": True, **self.get_params_for("compile")})
        return module

    def initialize_criterion(self) -> Self:
        """Build the criterion, which returns one loss a row."""
        settings: dict[str, Any] = {"reduction": "none"}
        if isinstance(self.criterion, type) and issubclass(self.criterion, nn.CrossEntropyLoss):
            settings["label_smoothing"] = self.label_smoothing
        self.criterion_ = self.criterion(**settings | self.get_params_for("criterion"))
        return self

    def initialize_optimizer(self, triggered_directly: Any = None) -> Self:
        """Build the optimizer, without weight decay for biases and normalisation layers."""
        named = list(self.get_all_learnable_params())
        groups, settings = self.get_params_for_optimizer("optimizer", named)
        if self.optimizer is torch.optim.AdamW:
            settings = {"fused": True, "weight_decay": self.weight_decay, **settings}
            if not hasattr(self, "optimizer__param_groups"):
                matrices = [p for _, p in named if p.ndim > 1]
                vectors = [p for _, p in named if p.ndim <= 1]
                groups = ([{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],)
        self.optimizer_ = self.optimizer(*groups, **settings)
        return self

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        callbacks = super()._default_callbacks
        if self.early_stopping is False:
            return callbacks
        patience = DEFAULT_PATIENCE if self.early_stopping is True else self.early_stopping
        return [
            *callbacks,
            ("early_stopping", EarlyStopping(patience=patience, load_best=True)),
        ]

    # -- data ---------------------------------------------------------------------------------

    def check_data(self, X: Any, y: Any = None) -> None:
        """Do nothing: ``fit`` has checked the data already."""

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        """Tokenise texts."""
        if is_dataset(X):
            base = X
            while isinstance(base, torch.utils.data.Subset):
                base = base.dataset
            if isinstance(base, TextDataset):
                return X
            X, y = data_from_dataset(X)
        texts = check_texts(X, estimator_name=type(self).__name__, encodable=True)
        labels = None if y is None else np.asarray(y)
        codes = None if labels is None else self._encode(labels)
        return self.dataset(texts, self._tokenize(texts), labels, codes)

    @property
    def classes_(self) -> np.ndarray:
        # Sorted, as in every classifier of scikit-learn.
        return np.unique(super().classes_)

    def _find_classes(self, y: np.ndarray) -> np.ndarray:
        """Return the sorted classes."""
        classes = np.unique(y)
        if self.classes is None and len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in y, but the data contain only "
                f"one class: {classes.tolist()[0]!r}. Add rows of another class."
            )
        return classes

    def _encode(self, y: np.ndarray, name: str = "y") -> np.ndarray:
        """Return labels as positions in ``classes_``."""
        codes = pd.Index(self.classes_).get_indexer(pd.Index(y))
        if (codes < 0).any():
            at = int(np.argmin(codes))
            raise ValueError(
                f"{name} has the label {y.tolist()[at]!r} at position {at}, which is not among the "
                f"classes {self.classes_.tolist()}. Name every class at the start: "
                "partial_fit(X, y, classes=[...])."
            )
        return codes.astype(np.int64)

    def _tokenize(self, texts: np.ndarray) -> list[np.ndarray]:
        longest = longest_input(self.tokenizer_, self.module_.encoder, self.max_length)
        return tokenize(self.tokenizer_, texts, longest)

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Split off rows for validation if ``train_split`` or ``early_stopping`` asks for it."""
        dataset = self.get_dataset(X, y)
        if self.train_split:
            train, valid = self.train_split(dataset, dataset.y, **fit_params)
            train, valid = real_alone(dataset, train, valid)
            return train, None if valid is None else self.get_dataset(valid)
        if self.early_stopping is False:
            return dataset, None
        return hold_out(dataset, self.validation_fraction, self._draw_seed())

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make batches of texts of like length."""
        prefix = "iterator_train" if training else "iterator_valid"
        size = self.batch_size if training else max(self.batch_size, MIN_PREDICTION_BATCH)
        settings = {
            "batch_size": size,
            "seed": self._draw_seed() if training else None,
            "pad_id": self.tokenizer_.pad_token_id,
            # Tensor cores and compiled kernels want few, even widths; CPUs the least padding.
            "pad_multiple": 8 if self.compile or self.device != "cpu" else 1,
            # Batches of as many rows each are compiled once.
            "max_tokens": None if training or self.compile else tokens_at_once(self.device),
            **self.get_params_for(prefix),
        }
        return getattr(self, prefix)(dataset, **settings)

    # -- training -----------------------------------------------------------------------------

    def _train(self, rows: dict[str, Any], codes: np.ndarray) -> Self:
        self._follow_parameters()
        weights = with_class_weight(
            rows["sample_weight"], self.class_weight, rows["y"], self.classes_
        )
        # A weight of 0 means a row that is not there: leaving it out is exact, and faster.
        keep = np.arange(len(codes)) if weights is None else np.flatnonzero(weights)
        texts = rows["X"][keep]
        dataset = self.dataset(
            texts,
            self._tokenize(texts),
            rows["y"][keep],
            codes[keep],
            None if weights is None else weights[keep],
            *(None if rows.get(name) is None else rows[name][keep] for name in _OF_ROW_WEIGHTS),
        )
        self.notify("on_train_begin", X=dataset.X, y=dataset.y)
        try:
            self.fit_loop(dataset)
        except KeyboardInterrupt:
            # EarlyStopping ends the training like this; anything else leaves it half done.
            if not self._stopped_early():
                raise
        self.notify("on_train_end", X=dataset.X, y=dataset.y)
        return self

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **fit_params: Any) -> Self:
        """Train for some epochs."""
        self.check_training_readiness()
        epochs = self.max_epochs if epochs is None else epochs
        train, valid = self.get_split_datasets(X, y)
        check_callbacks(self, held_out=valid is not None)
        if self.head_init == "probe" and not self.head_is_fitted_:
            fit_head(self, train)
        self.head_is_fitted_ = True
        batches = self.get_iterator(train, training=True)
        valid_batches = None if valid is None else self.get_iterator(valid, training=False)
        notes = {"dataset_train": train, "dataset_valid": valid}
        with seeded(self._draw_seed(), self.device), self._scheduled(epochs * len(batches)):
            for _ in range(epochs):
                self.notify("on_epoch_begin", **notes)
                self.run_single_epoch(batches, True, "train", self.train_step)
                self.run_single_epoch(valid_batches, False, "valid", self.validation_step)
                self.notify("on_epoch_end", **notes)
        return self

    def _stopped_early(self) -> bool:
        """Whether a callback has seen as many epochs without a gain as it has patience for."""
        return any(
            isinstance(callback, EarlyStopping) and callback.misses_ == callback.patience
            for _, callback in self.callbacks_
        )

    @contextmanager
    def _scheduled(self, n_steps: int) -> Iterator[None]:
        """Let the learning rate rise and fall over the steps; afterwards it is as before."""
        self.schedule_ = None
        if self.lr_schedule != "constant" or self.warmup:
            name = "constant_with_warmup" if self.lr_schedule == "constant" else self.lr_schedule
            self.schedule_ = get_scheduler(
                name, self.optimizer_, round(self.warmup * n_steps), n_steps
            )
        try:
            yield
        finally:
            if self.schedule_ is not None:
                for group in self.optimizer_.param_groups:
                    group["lr"] = group.pop("initial_lr")
            self.schedule_ = None
            self.optimizer_.zero_grad(set_to_none=True)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Go through the batches once; callbacks see the labels as the user gave them."""
        if iterator is None:
            return
        for inputs, codes in iterator:
            shown = (inputs, self.classes_[codes.numpy()])
            self.notify("on_batch_begin", batch=shown, training=training)
            step = step_fn((inputs, codes), **fit_params)
            self.history.record_batch(prefix + "_loss", step["loss"].item())
            self.history.record_batch(prefix + "_batch_size", len(codes))
            self.notify("on_batch_end", batch=shown, training=training, **step)
        self.history.record(prefix + "_batch_count", len(iterator))

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Do one optimizer step."""
        self.optimizer_.zero_grad(set_to_none=True)
        step = self.train_step_single(batch, **fit_params)
        if self.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.module_.parameters(), self.max_grad_norm)
        named = TeeGenerator(self.get_all_learnable_params())
        self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        self.optimizer_.step()
        if self.schedule_ is not None:
            self.schedule_.step()
        return step

    def get_loss(
        self, y_pred: torch.Tensor, y_true: torch.Tensor, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Compute the loss of a batch: weighted, and in training focal or finished, if asked."""
        y_true = to_tensor(y_true, device=self.device)
        own = {
            key: to_tensor(X[key], device=self.device)
            for key in ("sample_weight", "quality")
            if key in X
        }
        if not training:
            # The model must not judge its own validation rows: there quality alone is the weight.
            factors = own["quality"].nan_to_num(nan=1.0) if "quality" in own else None
        else:
            factors = row_factors(
                y_pred,
                y_true,
                focal_gamma=self.focal_gamma if self.loss == "focal" else 0.0,
                quality=own.get("quality"),
                finish=self.finish_,
            )
        return weighted_mean(self.criterion_(y_pred, y_true), own.get("sample_weight"), factors)

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Compute the logits of a batch."""
        inputs = {key: to_tensor(x[key], self.device) for key in ("input_ids", "attention_mask")}
        return self.module_(**inputs, **fit_params)

    # -- prediction ---------------------------------------------------------------------------

    def forward_iter(
        self, X: Any, training: bool = False, device: str = "cpu"
    ) -> Iterator[torch.Tensor]:
        """Yield the logits of all rows, in their order and as one tensor."""
        self.check_is_fitted()
        dataset = self.get_dataset(X)
        batches = self.get_iterator(dataset, training=False)
        with torch.inference_mode(not training):
            outputs = [
                to_device(self.evaluation_step(batch, training=training), device)
                for batch in batches
            ]
            found = torch.cat(outputs)
            logits = torch.empty_like(found)
            logits[np.concatenate(batches.batches)] = found
        yield logits

    def _get_predict_nonlinearity(self) -> Any:
        if self.predict_nonlinearity == "auto":
            self.check_is_fitted()
            return nn.Softmax(dim=-1)
        return super()._get_predict_nonlinearity()
