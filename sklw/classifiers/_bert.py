"""A transformer fine-tuned for text classification, as a scikit-learn estimator."""

from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
import torch

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw._encoders.settings import POOLINGS
from sklw._row_weights import RowWeights, unpacked
from sklw._validation import check_texts
from sklw.classifiers._checks import check_labels, check_row_weights, check_weights, refuse_unknown
from sklw.classifiers._data import Batches, TextDataset
from sklw.classifiers._module import EncoderClassifier
from sklw.classifiers._net import TextNet
from sklw.models import EMBEDDED_ENCODER

__all__ = ["BertClassifier"]


class BertClassifier(TextNet):
    """A pretrained transformer fine-tuned to classify texts.

    It takes texts, returns labels of any type, and accepts a weight for every row. Texts are
    tokenised once and trained on in batches of similar length, in bfloat16 if the hardware
    is faster in it. It is a :class:`skorch.NeuralNetClassifier`: its callbacks, history,
    ``save_params`` and parameters with ``__`` all work.

    Parameters
    ----------
    model : str or path-like, default="all-MiniLM-L6-v2"
        An embedded model, a local folder or a hub id of any encoder in transformers.
    loss : {"cross_entropy", "focal"}, default="cross_entropy"
        The focal loss multiplies a row's cross-entropy by ``(1 - p) ** focal_gamma``, where p is
        the probability of its class; no gradient flows through the factor, as in [1]_.
    focal_gamma : float, default=1.0
        Exponent of the focal loss.
    label_smoothing : float, default=0.1
        Part of a row's target that is spread evenly over all classes, as in [3]_. Labels from
        language models are often wrong, and without smoothing a few epochs on them make the
        probabilities far too certain. 0 trains on the labels as they are. Only for the default
        `criterion`.
    class_weight : "balanced", dict or None, default=None
        Factors for each class, as in scikit-learn; ``"balanced"`` makes their totals equal.
    max_length : int, default=128
        Maximum number of tokens read from each text, also in prediction: a value set after ``fit``
        changes predictions at once.
    max_epochs : int, default=3
        Passes over the training rows.
    lr : float, default=1e-4
        Peak learning rate: about 1e-4 for small encoders such as MiniLM, 3e-5 for BERT's size.
    batch_size : int, default=32
        Rows in a training batch. Prediction uses at least 64, on a CPU fewer if texts are long.
    weight_decay : float, default=0.01
        Weight decay of AdamW, for all parameters except biases and normalisation layers.
    warmup : float, default=0.1
        Fraction of the steps during which the learning rate rises from 0.
    lr_schedule : {"linear", "cosine", "constant"}, default="linear"
        Whether the rate then falls to 0 (and how) or stays constant, as ``LRScheduler`` needs.
    max_grad_norm : float or None, default=1.0
        Maximum norm of the gradient, which is clipped to it; None does not clip.
    dropout : float or None, default=None
        Dropout probability of all layers; None keeps the encoder's own.
    pooling : str, default="auto"
        How the head combines the tokens' states: ``"mean"``, ``"cls"`` (the state of the first
        token), or another pooling of :class:`sklw.TextEmbedder`. ``"auto"`` uses the pooling that a
        model of sentence-transformers was trained with, the state of the last token for causal
        language models, and the mean for all others.
    head_init : {"probe", "random"}, default="probe"
        Whether the head starts as a logistic regression on the untrained encoder's features of the
        texts (at most about 512 of them), as in [2]_, or at random. With few rows, training from a
        random head often fails. The head also starts at random if a class has no row of positive
        weight, as may happen at the first ``partial_fit``.
    early_stopping : bool or int, default=False
        Hold out rows, stop after this many epochs (True: 3) without a lower validation loss,
        and restore the best epoch. If `row_weights` says which rows are synthetic, only real ones
        are held out.
    validation_fraction : float, default=0.1
        Fraction of the rows held out for early stopping. If there are synthetic rows, no more than
        half of the real rows are held out, or this fraction of them if it is larger.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Type of the encoder's matrix products. Weights and head are always float32.
    compile : bool, default=False
        Whether to use ``torch.compile`` for the encoder. Compiling takes minutes, so this is for
        long training on a GPU.
    device : str, default="auto"
        Device; ``"auto"`` uses a GPU if there is one.
    random_state : int, RandomState or None, default=None
        Seed of the head, the order of rows, the dropout and the rows held out. torch's global
        random state is not changed.
    warm_start : bool, default=False
        Whether ``fit`` continues from where the last ``fit`` ended, with the current parameters;
        another `model` or `pooling` is refused.
    verbose : int, default=0
        1 prints a line per epoch.
    callbacks : list or None, default=None
        Callbacks of skorch, such as ``EpochScoring``.
    module : type, default=EncoderClassifier
        Class of the network, called with the encoder and ``n_classes``, ``pooling``,
        ``dropout``, ``precision`` and the ``module__`` parameters.
    criterion : type, default=torch.nn.CrossEntropyLoss
        Class of the loss, which must return one value per row for ``reduction="none"``.
    optimizer : type, default=torch.optim.AdamW
        Class of the optimizer.
    train_split : callable or None, default=None
        How skorch holds out rows, in place of `early_stopping`. Synthetic rows among them are
        moved back to the training rows.
    iterator_train, iterator_valid, dataset, predict_nonlinearity : object
        As in skorch.
    classes : array-like or None, default=None
        All classes, if `y` may lack some of them or ``initialize`` is called before ``fit``.
    use_caching, torch_load_kwargs : object
        As in skorch.
    **kwargs : dict
        Parameters with ``__``, as in skorch, such as ``optimizer__betas``. Those of the module set
        after ``fit`` make a new network, which has to be fitted again.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    history_ : skorch.history.History
        Loss, duration and scores of each epoch and batch.
    module_ : torch.nn.Module
        The network.
    tokenizer_ : PreTrainedTokenizerBase
        The tokenizer.

    See Also
    --------
    sklw.SyntheticWeighter : Finds weights for synthetic rows.
    sklw.TextEmbedder : Embeds texts without training.

    References
    ----------
    .. [1] Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in Text
       Classification", ICLR 2025.
    .. [2] Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
       Out-of-Distribution", ICLR 2022.
    .. [3] Lukasik et al., "Does Label Smoothing Mitigate Label Noise?", ICML 2020.

    Examples
    --------
    >>> from sklw import BertClassifier
    >>> texts = ["great film", "loved it", "awful film", "hated it"] * 4
    >>> labels = ["good", "good", "bad", "bad"] * 4
    >>> clf = BertClassifier(batch_size=4, random_state=0).fit(texts, labels)
    >>> clf.predict(["a great, great film"])
    array(['good'], dtype='<U4')
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str, PathLike],
        "loss": [StrOptions({"cross_entropy", "focal"})],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "max_length": [Interval(Integral, 3, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "warmup": [Interval(Real, 0, 1, closed="left")],
        "lr_schedule": [StrOptions({"linear", "cosine", "constant"})],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "pooling": [StrOptions({"auto", *POOLINGS})],
        "head_init": [StrOptions({"probe", "random"})],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "callbacks": ["array-like", StrOptions({"disable"}), None],
        "train_split": [callable, None],
        "classes": ["array-like", None],
    }

    def __init__(
        self,
        model: str | PathLike[str] = EMBEDDED_ENCODER,
        *,
        loss: Literal["cross_entropy", "focal"] = "cross_entropy",
        focal_gamma: float = 1.0,
        label_smoothing: float = 0.1,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        max_length: int = 128,
        max_epochs: int = 3,
        lr: float = 1e-4,
        batch_size: int = 32,
        weight_decay: float = 0.01,
        warmup: float = 0.1,
        lr_schedule: Literal["linear", "cosine", "constant"] = "linear",
        max_grad_norm: float | None = 1.0,
        dropout: float | None = None,
        pooling: str = "auto",
        head_init: Literal["probe", "random"] = "probe",
        early_stopping: bool | int = False,
        validation_fraction: float = 0.1,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        compile: bool = False,
        device: str = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        callbacks: Any = None,
        module: type[torch.nn.Module] = EncoderClassifier,
        criterion: type[torch.nn.Module] = torch.nn.CrossEntropyLoss,
        optimizer: type[torch.optim.Optimizer] = torch.optim.AdamW,
        train_split: Any = None,
        iterator_train: Any = Batches,
        iterator_valid: Any = Batches,
        dataset: Any = TextDataset,
        predict_nonlinearity: Any = "auto",
        classes: Any = None,
        use_caching: Any = "auto",
        torch_load_kwargs: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            dataset=dataset,
            train_split=train_split,
            predict_nonlinearity=predict_nonlinearity,
            classes=classes,
            use_caching=use_caching,
            torch_load_kwargs=torch_load_kwargs,
            callbacks=callbacks,
            warm_start=warm_start,
            verbose=verbose,
            device=device,
            compile=compile,
            **kwargs,
        )
        self.model = model
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.max_length = max_length
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.lr_schedule = lr_schedule
        self.max_grad_norm = max_grad_norm
        self.dropout = dropout
        self.pooling = pooling
        self.head_init = head_init
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        row_weights: RowWeights | None = None,
        **unknown: Any,
    ) -> Self:
        """Fine-tune on texts and labels.

        The loss of a batch of B rows is ``sum(w * f * l) / (B * mean(w))``, where l is a row's
        cross-entropy, w its weight, ``mean(w)`` the mean weight of all training rows, and f its
        focal and DIMP factors. So equal weights have no effect, whatever their size, and a row of
        weight 2 counts as two rows. Rows of weight 0 are left out.

        Parameters
        ----------
        X : list, ndarray or Series of str, shape (n,) or (n, 1), or Weighted
            The texts. :class:`sklw.Weighted` contains weights as well.
        y : array-like of shape (n,)
            Labels, all of one type.
        sample_weight : array-like of shape (n,), default=None
            Weights: finite, not negative, not all 0.
        row_weights : RowWeights, default=None
            Weights that also say which rows are synthetic, and carry what DIMP-Loss needs: see
            :class:`sklw.RowWeights`. In place of `sample_weight`.
        **unknown : dict
            Rejected, with a hint to what replaces an old argument.

        Returns
        -------
        self : BertClassifier
            The fitted classifier.

        Raises
        ------
        ModelNotFoundError
            If there is no such model.
        TypeError, ValueError
            If data, weights or parameters are not as described.
        """
        start_anew = not (self.warm_start and self.initialized_)
        rows = self._check_rows(X, y, sample_weight, row_weights, unknown)
        if start_anew:
            self.classes_inferred_ = self._find_classes(rows["y"])
        codes = self._encode(rows["y"])
        if start_anew:
            self.initialize()
        return self._train(rows, codes)

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        sample_weight: Any = None,
        row_weights: RowWeights | None = None,
        **unknown: Any,
    ) -> Self:
        """Continue training, for ``max_epochs`` epochs.

        Parameters
        ----------
        X, y, sample_weight, row_weights, **unknown
            As in :meth:`fit`.
        classes : array-like, default=None
            All classes that will occur; needed at the first call if `y` lacks some.

        Returns
        -------
        self : BertClassifier
            The classifier.
        """
        rows = self._check_rows(X, y, sample_weight, row_weights, unknown)
        named = rows["y"] if classes is None else check_labels(classes, len(classes))
        if not self.initialized_:
            self.classes_inferred_ = self._find_classes(named)
        codes = self._encode(rows["y"])
        self._encode(named, "classes")
        if not self.initialized_:
            self.initialize()
        return self._train(rows, codes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each text.

        Parameters
        ----------
        X : list, ndarray or Series of str, shape (n,) or (n, 1)
            The texts.

        Returns
        -------
        labels : ndarray of shape (n,)
            The most probable labels.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : list, ndarray or Series of str, shape (n,) or (n, 1)
            The texts.

        Returns
        -------
        probabilities : ndarray of float32, shape (n, n_classes)
            One row per text, with columns in the order of ``classes_``; rows sum to 1.
        """
        return super().predict_proba(X)

    def _check_rows(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        row_weights: RowWeights | None,
        unknown: dict[str, Any],
    ) -> dict[str, Any]:
        """Check all that ``fit`` was given before anything is loaded or trained."""
        refuse_unknown(unknown)
        X, row_weights = unpacked(X, row_weights)
        self._validate_settings()
        texts = check_texts(X, estimator_name=type(self).__name__, encodable=True)
        rows = {"X": texts, "y": check_labels(y, len(texts))}
        if row_weights is None:
            return rows | {"sample_weight": check_weights(sample_weight, len(texts))}
        properties = check_row_weights(row_weights, sample_weight, len(texts))
        self.finish_ = row_weights.finish
        return rows | properties
