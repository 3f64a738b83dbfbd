"""LLMOverSampler: fills minority classes with rows that a language model writes."""

import warnings
from collections.abc import Iterator, Sequence
from math import ceil
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d
from tqdm.auto import tqdm

from sklw._validation import check_texts
from sklw.exceptions import GenerationWarning, NotEnoughGeneratedError
from sklw.generators import (
    BaseGenerator,
    Completion,
    Request,
    RequestCache,
    TransformersGenerator,
    iter_cached,
)
from sklw.over_sampling._containers import append_labels, append_texts
from sklw.over_sampling._filters import REASONS, RowFilter
from sklw.over_sampling._parsing import AnswerParser
from sklw.over_sampling._prompts import ClassDescription, PromptWriter
from sklw.over_sampling._rounds import ClassQuota, GenerationRun
from sklw.over_sampling._selection import ExampleSelector

__all__ = ["LLMOverSampler"]

# Digits and rare words take a token for every two or three characters.
_CHARACTERS_PER_TOKEN = 2.5


class LLMOverSampler(BaseSampler):
    """Over-sample classes with texts written by a language model.

    For each row wanted, the model is shown a few real rows of the class and writes another.
    Answers are cleaned (numbering, quotes, labels written into the text) and filtered; generation
    goes on in rounds until each class has its rows or its attempts are spent. The idea of filling
    minority classes with generated rows is that of [1]_.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows each class is to have, in every form that imbalanced-learn takes.
    generator : BaseGenerator, default=None
        Who writes. None takes ``TransformersGenerator()``, the embedded SmolLM2-135M-Instruct.
    n_examples : int, default=5
        Real rows of the class that a prompt shows; fewer where the class has fewer.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        For each prompt: rows drawn at random, a row with its nearest neighbours, or rows
        far from each other.
    answers_per_prompt : int, default=4
        Requests that show the same rows before others are drawn. Reading a prompt costs more than
        answering it, and a prompt that comes again is read once.
    label_names : dict of label to str, default=None
        What to call the classes in prompts; None uses the labels themselves.
    label_descriptions : dict of label to str, default=None
        A few words on what a class is.
    task : str, default=None
        What the texts are, such as ``"SMS messages"``.
    instructions : str, default=None
        Further wishes for the texts, in your words.
    rows_per_request : int, default=1
        Rows that one answer is asked for; chat form only.
    near_duplicate_threshold : float or None, default=0.8
        A row whose character 4-grams have this cosine similarity with a real row of its class or
        with an accepted row is taken for a copy. None looks for exact copies only.
    length_tolerance : float, default=2.0
        A row may be this many times longer than the longest, or shorter than the shortest, real
        row of its class.
    max_attempts : int, default=8
        Requests sent for each row wanted, at most, on average over a class.
    on_shortfall : {"warn", "error", "ignore"}, default="warn"
        What to do where a class falls short when its attempts are spent.
    cache : bool, path or None, default=None
        Keep answers on disk, so that no request is ever paid for twice: True for the default file
        in the user's cache folder, or a path.
    random_state : int, RandomState or None, default=None
        The same value gives the same texts, whatever the generator's batch size.
    verbose : bool, default=True
        Show a progress bar where there is a terminal.

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        Rows to generate for each class.
    synthetic_mask_ : ndarray of bool of shape (n_samples_new,)
        Which rows of the result are synthetic.
    parent_indices_ : list of int arrays, one for each synthetic row
        The rows of `X` shown in its prompt.
    provenance_ : DataFrame
        One row for each candidate, accepted or not: label, text, accepted, reason, parents,
        prompt_id, round, seed, backend, model, prompt_tokens, completion_tokens, finish_reason,
        cached. Also there after an interrupted or failed fit, with all that was generated.
    generator_ : BaseGenerator
        The generator used.
    n_features_in_ : int
        Always 1.

    Raises
    ------
    ValueError, TypeError
        If `X` does not hold texts, `y` does not fit it or has one class, or a class named in a
        parameter does not exist.
    NotEnoughGeneratedError
        If a class falls short and ``on_shortfall="error"``.

    See Also
    --------
    SyntheticWeighter : Learn how much each of the rows should count.

    References
    ----------
    .. [1] R. Nakada et al., "Synthetic Oversampling: Theory and A Practical Approach Using LLMs to
       Address Data Imbalance", arXiv:2406.03628.

    Examples
    --------
    >>> from sklw import LLMOverSampler, RecordedGenerator
    >>> X = ["see you at eight", "running late, sorry", "ok, call you back", "win a prize now!"]
    >>> y = ["ham", "ham", "ham", "spam"]
    >>> recorded = RecordedGenerator(
    ...     [{"text": "claim your prize today!", "label": "spam"},
    ...      {"text": "free ringtones, reply now", "label": "spam"}])
    >>> sampler = LLMOverSampler(generator=recorded)
    >>> sampler.fit_resample(X, y)[0][4:]
    ['claim your prize today!', 'free ringtones, reply now']
    """

    _sampling_type: ClassVar[str] = "over-sampling"
    _parameter_constraints: ClassVar[dict] = {
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto", "minority", "not minority", "not majority", "all"}),
            dict,
            callable,
        ],
        "generator": [BaseGenerator, None],
        "n_examples": [Interval(Integral, 1, None, closed="left")],
        "example_selection": [StrOptions({"random", "nearest", "diverse"})],
        "answers_per_prompt": [Interval(Integral, 1, None, closed="left")],
        "label_names": [dict, None],
        "label_descriptions": [dict, None],
        "task": [str, None],
        "instructions": [str, None],
        "rows_per_request": [Interval(Integral, 1, None, closed="left")],
        "near_duplicate_threshold": [Interval(Real, 0, 1, closed="right"), None],
        "length_tolerance": [Interval(Real, 1, None, closed="left")],
        "max_attempts": [Interval(Integral, 1, None, closed="left")],
        "on_shortfall": [StrOptions({"warn", "error", "ignore"})],
        "cache": "no_validation",
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        generator: BaseGenerator | None = None,
        n_examples: int = 5,
        example_selection: str = "random",
        answers_per_prompt: int = 4,
        label_names: dict[Any, str] | None = None,
        label_descriptions: dict[Any, str] | None = None,
        task: str | None = None,
        instructions: str | None = None,
        rows_per_request: int = 1,
        near_duplicate_threshold: float | None = 0.8,
        length_tolerance: float = 2.0,
        max_attempts: int = 8,
        on_shortfall: str = "warn",
        cache: Any = None,
        random_state: Any = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.generator = generator
        self.n_examples = n_examples
        self.example_selection = example_selection
        self.answers_per_prompt = answers_per_prompt
        self.label_names = label_names
        self.label_descriptions = label_descriptions
        self.task = task
        self.instructions = instructions
        self.rows_per_request = rows_per_request
        self.near_duplicate_threshold = near_duplicate_threshold
        self.length_tolerance = length_tolerance
        self.max_attempts = max_attempts
        self.on_shortfall = on_shortfall
        self.cache = cache
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, **params: Any) -> "LLMOverSampler":
        """Check the input and plan; nothing is generated.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,) or (n_samples, 1)
            Texts.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            Not used.

        Returns
        -------
        self : LLMOverSampler
            The sampler, with ``sampling_strategy_``.
        """
        self._validate_params()
        self._plan(X, y)
        return self

    def fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Generate rows and return them after the real ones.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,) or (n_samples, 1)
            Texts: a list, ndarray, Series or one-column DataFrame.
        y : array-like of shape (n_samples,)
            Labels of any type.
        **params : dict
            Not used.

        Returns
        -------
        X_resampled, y_resampled : same types as `X` and `y`
            The real rows, untouched, then the synthetic ones.
        """
        self._validate_params()
        texts, labels = self._plan(X, y)
        self.generator_ = (
            TransformersGenerator() if self.generator is None else clone(self.generator)
        )
        run = self._prepare(texts, labels)
        try:
            run.run()
        finally:
            self.provenance_ = run.provenance()
        self._report_shortfall(run)
        rows = [(text, at, quota.label) for quota in run.quotas for text, at in quota.rows]
        self.parent_indices_ = [parents for _, parents, _ in rows]
        self.synthetic_mask_ = np.arange(len(texts) + len(rows)) >= len(texts)
        return (
            append_texts(X, [text for text, _, _ in rows]),
            append_labels(y, [label for _, _, label in rows]),
        )

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        return self.fit_resample(X, y, **params)

    def _plan(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        texts = check_texts(X, estimator_name="LLMOverSampler")
        if y is None:
            raise ValueError(
                "LLMOverSampler requires y to be passed, but the target y is None: it has to know "
                "the class of each row."
            )
        check_classification_targets(y)
        labels = column_or_1d(y)
        if len(labels) != len(texts):
            raise ValueError(
                f"X has {len(texts)} rows and y has {len(labels)}: found input variables with "
                "inconsistent numbers of samples. Pass one label for each text."
            )
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(
                f"y holds one class only ({classes[0]!r}); over-sampling balances two or more. "
                "Check the labels, or the split that this part of the data comes from."
            )
        for name in ("label_names", "label_descriptions"):
            self._check_known(name, getattr(self, name), classes)
        if isinstance(self.sampling_strategy, dict):
            self._check_known("sampling_strategy", self.sampling_strategy, classes)
        self.n_features_in_ = 1
        self.sampling_strategy_ = {
            _plain(label): int(count)
            for label, count in check_sampling_strategy(
                self.sampling_strategy, labels, self._sampling_type
            ).items()
        }
        return texts, labels

    def _check_known(self, name: str, by_label: dict[Any, Any] | None, classes: Any) -> None:
        unknown = sorted(set(by_label or {}) - set(classes.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"{name} names the class(es) {unknown}, which y does not hold. Its classes are "
                f"{classes.tolist()}."
            )

    def _prepare(self, texts: np.ndarray, labels: np.ndarray) -> GenerationRun:
        multiline = any("\n" in text.strip() for text in texts)
        form = self.generator_.prompt_form
        # A completion model goes on with one row; only an instruction can ask for more.
        n_rows = self.rows_per_request if form == "chat" else 1
        plain = [_plain(label) for label in labels]
        return GenerationRun(
            generator=self.generator_,
            ask=self._ask,
            quotas=[
                self._quota(label, count, np.flatnonzero(labels == label), texts)
                for label, count in self.sampling_strategy_.items()
                if count > 0
            ],
            writer=PromptWriter(
                form,
                task=self.task or "",
                instructions=self.instructions or "",
                n_rows=n_rows,
                multiline=multiline,
            ),
            parser=AnswerParser(
                {label: self._name_of(label) for label in dict.fromkeys(plain)},
                multiline=multiline,
                n_rows=n_rows,
            ),
            row_filter=RowFilter(
                texts.tolist(),
                plain,
                near_duplicate_threshold=self.near_duplicate_threshold,
                length_tolerance=self.length_tolerance,
            ),
            texts=texts,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            answers_per_prompt=self.answers_per_prompt,
        )

    def _quota(self, label: Any, count: int, positions: Any, texts: np.ndarray) -> ClassQuota:
        rows = texts[positions].tolist()
        if len(rows) < self.n_examples and self.generator_.prompt_form != "none":
            warnings.warn(
                f"The class {label!r} has {len(rows)} row(s) and a prompt wants "
                f"{self.n_examples}: every prompt shows the same rows, so what comes may be alike. "
                "Collect more rows, or lower n_examples.",
                GenerationWarning,
                stacklevel=4,
            )
        longest = max(map(len, rows))
        return ClassQuota(
            label=label,
            wanted=count,
            description=ClassDescription(
                self._name_of(label), (self.label_descriptions or {}).get(label, "")
            ),
            selector=ExampleSelector(
                self.example_selection if self.generator_.prompt_form != "none" else "random",
                rows,
                self.n_examples,
            ),
            positions=positions,
            max_requests=count * self.max_attempts,
            max_new_tokens=self.rows_per_request * (ceil(longest / _CHARACTERS_PER_TOKEN) + 8),
        )

    def _name_of(self, label: Any) -> str:
        return str((self.label_names or {}).get(label, label))

    def _ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        cache = RequestCache.resolve(self.cache)
        with tqdm(
            total=len(requests),
            desc="LLMOverSampler",
            unit="request",
            disable=None if self.verbose else True,
        ) as bar:
            for index, completion in iter_cached(self.generator_, requests, cache):
                bar.update()
                yield index, completion

    def _report_shortfall(self, run: GenerationRun) -> None:
        short = [quota for quota in run.quotas if quota.missing > 0]
        if not short or self.on_shortfall == "ignore":
            return
        lines = [
            f"class {quota.label!r}: {len(quota.rows)} of {quota.wanted} rows after {quota.sent} "
            f"requests; rejected: {_counted(run, quota)}"
            for quota in short
        ]
        message = (
            "Fewer rows were generated than wanted. "
            + "; ".join(lines)
            + ". The candidates and the reason for each are in provenance_. Raise max_attempts, "
            "use a stronger model, say more in task, label_descriptions and instructions, loosen "
            "near_duplicate_threshold or length_tolerance, or ask for fewer rows with "
            "sampling_strategy."
        )
        if self.on_shortfall == "error":
            raise NotEnoughGeneratedError(message)
        warnings.warn(message, GenerationWarning, stacklevel=3)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = False
        tags.non_deterministic = False
        return tags


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _counted(run: GenerationRun, quota: ClassQuota) -> str:
    counts = run.rejections(quota.label)
    if not counts:
        return "none"
    return ", ".join(f"{n} {reason} ({REASONS[reason]})" for reason, n in counts.most_common())
