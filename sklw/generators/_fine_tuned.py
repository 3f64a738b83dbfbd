"""Local causal language models, trained on the real rows first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw._folder import cache_folder
from sklw._renamed import renamed_parameters
from sklw.generators._transformers import TransformersGenerator
from sklw.generators._tuning import FullTuning, LoRA
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["FineTunedGenerator"]

_WAYS = {"lora": LoRA, "full": FullTuning}
_KEPT = 2
_models: "OrderedDict[str, tuple[Path | None, Any]]" = OrderedDict()  # folder and model
_lock = threading.RLock()


@renamed_parameters(
    {
        "tuning": 'training="lora" or training="full"',
        "epochs": "training=LoRA(epochs=...)",
        "learning_rate": "training=LoRA(learning_rate=...)",
        "lora_rank": "training=LoRA(rank=...)",
        "train_batch_size": "training=LoRA(batch_size=...)",
        "permute_columns": "training=LoRA(permute_columns=...)",
    }
)
class FineTunedGenerator(TransformersGenerator):
    """A local language model that learns the real rows before it writes new ones.

    :class:`~sklw.LLMOverSampler` trains it on the rows it is given, each preceded by its class, and
    then asks for rows of a class without showing any. So prompts are short, and a small model that
    cannot follow examples can still write rows of a table. GReaT [1]_ trains GPT-2 in this way. The
    model has then seen every real row, so none of them is independent of what it wrote.

    Training the embedded model on 200 rows of ten columns takes about half a minute per epoch on
    two cores. The trained weights are kept under a fingerprint of the rows and the settings, so
    clones, repeated folds of a search and later runs do not train again. An interrupted training
    resumes after its last complete epoch.

    Parameters
    ----------
    model : str or path, default="SmolLM2-135M-Instruct"
        As in :class:`~sklw.TransformersGenerator`.
    training : {"lora", "full"}, LoRA or FullTuning, default="lora"
        Train low-rank updates of the linear layers or all weights, by name with the default
        settings, or as :class:`LoRA` or :class:`FullTuning` with others.
    folder : str, path or None, default=None
        Where trained weights are kept. None stands for ``$SKLW_CACHE/fine_tuned`` with LoRA, a
        few megabytes for each training; all weights are kept only if a folder is given.
    temperature : float, default=1.0
        As in :class:`~sklw.TransformersGenerator`; 1 is what the model has learned.
    top_p : float, default=1.0
        Likewise.
    top_k, min_p, max_new_tokens, batch_size, device, dtype, compile
        As in :class:`~sklw.TransformersGenerator`.
    random_state : int, default=0
        Seed of the training.
    verbose : bool, default=True
        Show a progress bar in a terminal.

    Attributes
    ----------
    fingerprint_ : str
        Fingerprint of the model, the rows and the settings.
    base_fingerprint_ : str
        Fingerprint of the model alone, as it was when it was trained.

    Warns
    -----
    GenerationWarning
        As :class:`~sklw.TransformersGenerator`.

    See Also
    --------
    sklw.generators.LoRA : Trains low-rank updates.
    sklw.generators.FullTuning : Trains all weights.

    References
    ----------
    .. [1] V. Borisov et al., "Language Models are Realistic Tabular Data Generators", ICLR 2023.

    Examples
    --------
    >>> from sklw import FineTunedGenerator, LLMOverSampler
    >>> from sklw.generators import LoRA
    >>> sampler = LLMOverSampler(generator=FineTunedGenerator(training=LoRA(epochs=4)))
    >>> X_new, y_new = sampler.fit_resample(X, y)  # doctest: +SKIP
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **{
            name: constraint
            for name, constraint in TransformersGenerator._parameter_constraints.items()
            if name != "prompting"
        },
        "training": [StrOptions(set(_WAYS)), LoRA, FullTuning],
        "folder": [str, os.PathLike, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = EMBEDDED_LANGUAGE_MODEL,
        *,
        training: str | LoRA | FullTuning = "lora",
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
        self.training = training
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
            If LoRA is asked for and peft is not installed.
        """
        self._validate_params()
        training = self._tuning()
        training.check()
        from sklw.generators._training import fingerprint

        def of_epoch(rng: np.random.Generator) -> Sequence[tuple[str, str]]:
            return pairs(rng, bool(training.permute_columns))

        self.base_fingerprint_ = locate_model(self.model).fingerprint
        base = f"{self.base_fingerprint_} {self._hardware()}"
        self.fingerprint_ = fingerprint(base, of_epoch, training, int(self.random_state))
        self._trained(of_epoch)
        return self

    def cache_key(self) -> dict[str, Any]:
        """Everything that determines an answer besides the request."""
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
        """Return the trained model, kept in this process and not in `self`, to be pickled."""
        from sklw.generators._training import fine_tuned

        folder = self._folder()
        with _lock:
            kept_in, model = _models.get(self.fingerprint_, (None, None))
            if model is None or (pairs is not None and kept_in != folder):
                model = fine_tuned(
                    self._load_base(), pairs, self._tuning(), int(self.random_state),
                    folder, verbose=self.verbose,
                )  # fmt: skip
                _models[self.fingerprint_] = folder, model
            _models.move_to_end(self.fingerprint_)
            while len(_models) > _KEPT:
                _models.popitem(last=False)
            return model

    def _tuning(self) -> LoRA | FullTuning:
        return _WAYS[self.training]() if isinstance(self.training, str) else self.training

    def _folder(self) -> Path | None:
        if self.folder is not None:
            return Path(self.folder).expanduser() / self.fingerprint_
        if isinstance(self._tuning(), FullTuning):
            return None
        return cache_folder() / "fine_tuned" / self.fingerprint_
