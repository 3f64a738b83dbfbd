"""Local causal language models, trained on the real rows first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw._folder import cache_folder
from sklw.generators._transformers import TransformersGenerator
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["FineTunedGenerator"]

_LEARNING_RATES = {"lora": 3e-3, "full": 3e-4}
_KEPT = 2
_models: "OrderedDict[str, Any]" = OrderedDict()
_lock = threading.RLock()


class FineTunedGenerator(TransformersGenerator):
    """A local language model that learns the real rows before it writes new ones.

    :class:`~sklw.LLMOverSampler` trains it on the rows it is given, each after its class, and
    then asks for rows of a class without showing any: prompts are short, and a small model that
    cannot follow examples can still write rows of a table. GReaT [1]_ trains GPT-2 that way.
    The model has then seen every real row, so none of them is free of what it wrote.

    Training the embedded model on 200 rows of ten columns takes about half a minute an epoch on
    two cores. The trained weights are kept, by the rows and the settings: clones, the folds of a
    search that come again and a second run train once. An interrupted training goes on from its
    last whole epoch.

    Parameters
    ----------
    model : str or path, default="SmolLM2-135M-Instruct"
        As in :class:`~sklw.TransformersGenerator`.
    tuning : {"lora", "full"}, default="lora"
        Train low-rank updates of the linear layers [2]_, by the optional package peft, or all
        weights.
    epochs : int, default=6
        Passes over the rows.
    learning_rate : float or None, default=None
        None takes 3e-3 for ``"lora"`` and 3e-4 for ``"full"``.
    lora_rank : int, default=16
        Rank of the updates.
    train_batch_size : int, default=8
        Rows a training step.
    permute_columns : bool, default=False
        Whether each epoch writes the columns of a table in another order; for rows written as
        sentences.
    folder : str, path or None, default=None
        Where trained weights are kept. None takes ``$SKLW_CACHE/fine_tuned`` for ``"lora"``, some
        megabytes each; all weights are kept only where a folder is given.
    temperature : float, default=1.0
        As in :class:`~sklw.TransformersGenerator`; 1 is what the model has learned.
    top_p : float, default=1.0
        Likewise.
    top_k, min_p, max_new_tokens, batch_size, device, dtype, compile
        As in :class:`~sklw.TransformersGenerator`.
    random_state : int, default=0
        Seed of the training.
    verbose : bool, default=True
        Show a progress bar where there is a terminal.

    Attributes
    ----------
    fingerprint_ : str
        Of model, rows and settings.
    base_fingerprint_ : str
        Of the model alone, as it was when it was trained.

    References
    ----------
    .. [1] V. Borisov et al., "Language Models are Realistic Tabular Data Generators", ICLR 2023.
    .. [2] E. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.

    Examples
    --------
    >>> from sklw import FineTunedGenerator, LLMOverSampler
    >>> sampler = LLMOverSampler(generator=FineTunedGenerator(epochs=4))
    >>> X_new, y_new = sampler.fit_resample(X, y)  # doctest: +SKIP
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **{
            name: constraint
            for name, constraint in TransformersGenerator._parameter_constraints.items()
            if name != "prompting"
        },
        "tuning": [StrOptions({"lora", "full"})],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "lora_rank": [Interval(Integral, 1, None, closed="left")],
        "train_batch_size": [Interval(Integral, 1, None, closed="left")],
        "permute_columns": ["boolean"],
        "folder": [str, os.PathLike, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = EMBEDDED_LANGUAGE_MODEL,
        *,
        tuning: str = "lora",
        epochs: int = 6,
        learning_rate: float | None = None,
        lora_rank: int = 16,
        train_batch_size: int = 8,
        permute_columns: bool = False,
        folder: str | os.PathLike[str] | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int | None = None,
        min_p: float | None = None,
        max_new_tokens: int = 256,
        batch_size: int | str = "auto",
        device: str = "auto",
        dtype: str = "auto",
        compile: bool = False,
        random_state: int = 0,
        verbose: bool = True,
    ) -> None:
        self.model = model
        self.tuning = tuning
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.lora_rank = lora_rank
        self.train_batch_size = train_batch_size
        self.permute_columns = permute_columns
        self.folder = folder
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k
        self.min_p = min_p
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype
        self.compile = compile
        self.random_state = random_state
        self.verbose = verbose

    @property
    def prompt_form(self) -> str:
        """``"fine_tuned"``: prompts name the class and show no rows."""
        return "fine_tuned"

    def fit(
        self, pairs: Callable[[np.random.Generator, bool], Sequence[tuple[str, str]]]
    ) -> "FineTunedGenerator":
        """Train on rows; :class:`~sklw.LLMOverSampler` calls this.

        Parameters
        ----------
        pairs : callable
            ``pairs(rng, permute_columns)`` returns the prompt and the answer of each row, for one
            epoch.

        Returns
        -------
        self : FineTunedGenerator
            Ready to generate.

        Raises
        ------
        ImportError
            If ``tuning="lora"`` and peft is not installed.
        """
        self._validate_params()
        from sklw.generators._training import fingerprint

        def of_epoch(rng: np.random.Generator) -> Sequence[tuple[str, str]]:
            return pairs(rng, self.permute_columns)

        self.base_fingerprint_ = locate_model(self.model).fingerprint
        base = f"{self.base_fingerprint_} {self._hardware()}"
        self.fingerprint_ = fingerprint(base, of_epoch, self._settings())
        self._trained(of_epoch)
        return self

    def cache_key(self) -> dict[str, Any]:
        """All that determines an answer beside the request."""
        check_is_fitted(self)
        return {**super().cache_key(), "fine_tuned": self.fingerprint_}

    def _load(self) -> Any:
        check_is_fitted(
            self,
            msg="This %(name)s has not learned any rows yet. Give it to LLMOverSampler(generator="
            "...), which trains it in fit_resample.",
        )
        if locate_model(self.model).fingerprint != self.base_fingerprint_:
            raise NotFittedError(
                f"{self.model_name!r} is no longer the model that was trained. Call fit_resample "
                "again, or put the former files back."
            )
        return self._trained(None)

    def _trained(self, pairs: Any) -> Any:
        """Return the trained model: kept in this process and not in `self`, to be pickled."""
        from sklw.generators._training import fine_tuned

        with _lock:
            if self.fingerprint_ not in _models:
                base, folder = super()._load(), self._folder()
                _models[self.fingerprint_] = fine_tuned(
                    base, pairs, self._settings(), folder, verbose=self.verbose
                )
            _models.move_to_end(self.fingerprint_)
            while len(_models) > _KEPT:
                _models.popitem(last=False)
            return _models[self.fingerprint_]

    def _settings(self) -> Any:
        from sklw.generators._training import TrainingSettings

        return TrainingSettings(
            self.tuning,
            int(self.epochs),
            float(self.learning_rate or _LEARNING_RATES[self.tuning]),
            int(self.lora_rank),
            int(self.train_batch_size),
            int(self.random_state),
        )

    def _folder(self) -> Path | None:
        if self.folder is not None:
            return Path(self.folder).expanduser() / self.fingerprint_
        return cache_folder() / "fine_tuned" / self.fingerprint_ if self.tuning == "lora" else None
