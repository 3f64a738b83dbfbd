"""Run methods against each other on the same splits."""

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd

from sklw._callers import caller_level
from sklw._compat.scikit_learn import safe_indexing
from sklw._progress import progress
from sklw.comparison._corpus import check_corpus
from sklw.comparison._folder import KEY, ResultsFolder
from sklw.comparison._generated import Generated, generate, make_sampler
from sklw.comparison._methods import (
    CLASSIFIERS,
    METHODS,
    TABLE_CLASSIFIERS,
    build,
    check_names,
    is_applicable,
    warn_of_left_out,
)
from sklw.comparison._metrics import METRICS, evaluate
from sklw.comparison._settings import Settings
from sklw.comparison._splits import Split, check_numbers, draw_split, rarest_class
from sklw.comparison._tables import check_lines, has_natural_repeats, is_mixed, to_lines

__all__ = ["compare", "estimate"]


def compare(
    X: Any,
    y: Any,
    *,
    methods: Sequence[str] | None = None,
    classifiers: Sequence[str] | None = None,
    minority_sizes: Sequence[int] | None = None,
    majority_size: int | None = None,
    seeds: Iterable[int] = range(5),
    test_size: int | None = None,
    settings: Settings | None = None,
    output: Any = None,
    verbose: bool = False,
) -> pd.DataFrame:
    """Compare methods of dealing with imbalance on the same training and test sets.

    For each seed and minority size a training set is drawn, and every method is fitted on it and
    judged on the rows left over. The rows of the language model are generated once for each
    training set and shared by all methods and classifiers that use them.

    No text is trained and tested on: of copies (case, white space and Unicode form aside) the
    first is used, of those with different labels none, and generated rows that repeat a test row
    are left out. Rows of a table may repeat; generated ones that repeat a test row are left out
    unless more than 5 % of the real rows are repeats.

    Parameters
    ----------
    X : array-like of str of shape (n_samples,), or table of shape (n_samples, n_features)
        Texts, or rows of a table: a DataFrame of any columns or an array of numbers.
    y : array-like of shape (n_samples,)
        Their labels.
    methods : list of str, default=None
        Keys of `METHODS`; None takes all. A method is left out where it cannot go with the
        classifier (SMOTE needs embeddings or a table, DIMP needs BERT), the number of classes or
        the columns (SMOTENC needs numbers and categories). If you name it, there is a warning.
    classifiers : list of str, default=None
        For texts ``"embedding"``, ``"tfidf"`` and ``"bert"``: logistic regression on frozen
        sentence embeddings or on TF-IDF, or a fine-tuned BERT. For tables ``"logistic"`` and
        ``"boosting"``: logistic regression or histogram gradient boosting, on scaled and one-hot
        columns. None takes the embeddings, or both for a table.
    minority_sizes : list of int, default=None
        Training rows of the rarest class; None takes three quarters of it.
    majority_size : int, default=None
        Training rows of each other class, at most three quarters of it; None takes those.
    seeds : iterable of int, default=range(5)
        One repetition each.
    test_size : int, default=None
        Test rows, drawn by class from those not trained on; None takes all.
    settings : Settings, default=None
        Generator, prompts and classifiers' parameters.
    output : path, default=None
        Folder for ``results.csv``, written trial by trial, and for the generated texts with their
        verdicts and weights (``generated_m<size>_seed<seed>.csv``). A trial found there is not run
        again, unless it had failed. One comparison at a time may use a folder.
    verbose : bool, default=False
        Show progress: a bar in a terminal, elsewhere a line a minute on standard error.

    Returns
    -------
    results : DataFrame
        One row for each classifier, method, minority size and seed: the metrics of `METRICS`,
        ``fit_seconds`` and ``predict_seconds`` (without the embedding of real texts, which is done
        once for all), ``generation_seconds`` and ``tokens`` (the full cost of the shared rows, for
        each method that uses them), ``synthetic_rows``, and ``error`` (empty unless the trial
        failed; its metrics are then NaN).

    Raises
    ------
    ValueError
        If a name is unknown, a label is missing, a class has a single row, a size does not fit the
        data, values of a column cannot be kept in `output`, or it is in use or holds other results.

    Warns
    -----
    UserWarning
        If a trial fails, a method or repeated texts or generated rows are left out, no class falls
        short, so that nothing is generated, labels are alike, or results cannot be written.

    Examples
    --------
    >>> from sklw.comparison import compare
    >>> from sklw.datasets import load_maintenance_requests
    >>> texts, labels = load_maintenance_requests(return_X_y=True)
    >>> results = compare(texts, labels, methods=["real", "class_weight"], classifiers=["tfidf"],
    ...                   minority_sizes=[20], majority_size=200, seeds=[0, 1])
    >>> results[["method", "seed"]].values.tolist()
    [['real', 0], ['class_weight', 0], ['real', 1], ['class_weight', 1]]
    """
    comparison = _Comparison(X, y, settings, majority_size, test_size, output)
    trials = comparison.plan(methods, classifiers, minority_sizes, seeds)
    with comparison.opened(), progress(len(trials), "", "trial", verbose) as bar:
        for trial in trials:
            bar.set_description(f"{trial.classifier} {trial.method} m={trial.minority_size}")
            comparison.run(trial)
            bar.update()
    return comparison.results(trials)


def estimate(
    X: Any,
    y: Any,
    *,
    methods: Sequence[str] | None = None,
    classifiers: Sequence[str] | None = None,
    minority_sizes: Sequence[int] | None = None,
    majority_size: int | None = None,
    seeds: Iterable[int] = range(5),
    test_size: int | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame | None:
    """Say what :func:`compare` would send and cost, without sending anything.

    Parameters
    ----------
    X, y, methods, classifiers, minority_sizes, majority_size, seeds, test_size, settings : object
        As in :func:`compare`.

    Returns
    -------
    estimate : DataFrame or None
        As :meth:`sklw.LLMOverSampler.estimate` returns it, for all training sets together; None
        if no method has rows generated.

    Examples
    --------
    >>> from sklw.comparison import estimate
    >>> from sklw.datasets import load_maintenance_requests
    >>> texts, labels = load_maintenance_requests(return_X_y=True)
    >>> estimate(texts, labels, methods=["real", "class_weight"]) is None
    True
    """
    comparison = _Comparison(X, y, settings, majority_size, test_size, None)
    trials = comparison.plan(methods, classifiers, minority_sizes, seeds)
    sets = {(t.minority_size, t.seed) for t in trials if METHODS[t.method].uses_llm}
    parts = [comparison.estimate(*key) for key in sets]
    return pd.concat(parts).groupby(level=0, sort=False).sum() if parts else None


class Trial(NamedTuple):
    """A method with a classifier on one training set."""

    classifier: str
    method: str
    minority_size: int
    seed: int


class _Comparison:
    """The data, the finished trials and the generated rows of one call of `compare`."""

    def __init__(
        self,
        X: Any,
        y: Any,
        settings: Settings | None,
        majority_size: int | None,
        test_size: int | None,
        output: Any,
    ) -> None:
        self.rows, self.labels = check_corpus(X, y)
        self.is_table = isinstance(self.rows, pd.DataFrame)
        if not isinstance(settings, Settings | None):
            raise TypeError(
                f"settings must be Settings, got {type(settings).__name__}. Pass its entries as "
                "sklw.comparison.Settings(...)."
            )
        self.settings = Settings() if settings is None else settings
        for name, size in (("majority_size", majority_size), ("test_size", test_size)):
            if size is not None and (size != int(size) or size < 1):
                raise ValueError(f"{name} must be a whole number of rows from 1, got {size}.")
        self.majority_size = len(self.rows) if majority_size is None else majority_size
        self.test_size = test_size
        self.minority = rarest_class(self.labels)
        self.n_classes = len(np.unique(self.labels))
        self.output = output
        self.folder: ResultsFolder | None = None
        self.done: dict[tuple, dict[str, Any]] = {}
        self.generated: dict[tuple[int, int], Any] = {}

    def plan(
        self,
        methods: Sequence[str] | None,
        classifiers: Sequence[str] | None,
        minority_sizes: Sequence[int] | None,
        seeds: Iterable[int],
    ) -> list[Trial]:
        """List the trials, having checked that each can be run."""
        by_name = methods is not None
        methods = list(METHODS) if methods is None else methods
        check_names(methods, METHODS, "method")
        known = TABLE_CLASSIFIERS if self.is_table else CLASSIFIERS
        if classifiers is None:
            classifiers = TABLE_CLASSIFIERS if self.is_table else CLASSIFIERS[:1]
        check_names(classifiers, known, "classifier")
        mixed = is_mixed(self.rows)
        if minority_sizes is None:
            minority_sizes = [int((self.labels == self.minority).sum()) * 3 // 4]
        sizes = check_numbers(minority_sizes, "minority_sizes", 1)
        found = (
            Trial(classifier, method, size, seed)
            for seed in check_numbers(seeds, "seeds", 0)
            for size in sizes
            for classifier in classifiers
            for method in methods
            if is_applicable(method, classifier, self.n_classes, mixed=mixed)
        )
        trials = list(dict.fromkeys(found))  # whatever is named twice counts once
        if not trials:
            raise ValueError(
                f"None of the methods {list(methods)} can be combined with the classifiers "
                f"{list(classifiers)} and {self.n_classes} classes; see sklw.comparison.METHODS."
            )
        if by_name:
            warn_of_left_out(methods, {trial.method for trial in trials})
        for size, seed in dict.fromkeys((trial.minority_size, trial.seed) for trial in trials):
            self._split(size, seed)
        generates = any(METHODS[trial.method].uses_llm for trial in trials)
        if generates and self.is_table and self.output is not None:
            check_lines(self.rows)
        return trials

    def estimate(self, minority_size: int, seed: int) -> pd.DataFrame:
        """Say what the rows of one training set would cost."""
        train = self._split(minority_size, seed).train
        sampler = make_sampler(self.labels[train], self.settings, seed)
        return sampler.estimate(safe_indexing(self.rows, train), self.labels[train])

    def run(self, trial: Trial) -> None:
        """Run a trial unless it is done; a failure is a result too."""
        if not self.done.get(trial, {"error": "not run"})["error"]:
            return
        row: dict[str, Any] = trial._asdict()
        try:
            row |= self._measure(trial)
            row["error"] = ""
        except Exception as error:
            message = " ".join(f"{type(error).__name__}: {error}".split())
            row |= dict.fromkeys([*METRICS, *_COSTS], np.nan) | {"error": message}
            warnings.warn(f"{', '.join(map(str, trial))}: {message}", stacklevel=caller_level())
        self.done[trial] = row
        if self.folder is not None:
            self.folder.append_result(row)

    def results(self, trials: list[Trial]) -> pd.DataFrame:
        """Return the rows of the trials, in their order."""
        return pd.DataFrame([self.done[trial] for trial in trials])

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Take what the output folder holds, and keep it for this comparison alone."""
        if self.output is None:
            yield
            return
        # Not of the table itself: what pandas remembers of its columns changes the hash.
        table = [*map(str, self.rows.dtypes), *to_lines(self.rows)] if self.is_table else None
        description = {
            "data": joblib.hash([table or self.rows.tolist(), self.labels.tolist()]),
            "majority_size": self.majority_size,
            "test_size": self.test_size,
            **self.settings.describe(),
        }
        with ResultsFolder(self.output, description).opened() as self.folder:
            found = self.folder.finished()
            for row in [] if found is None else found.to_dict("records"):
                self.done[tuple(row[name] for name in KEY)] = {str(k): v for k, v in row.items()}
            yield

    def _split(self, minority_size: int, seed: int) -> Split:
        return draw_split(
            self.labels,
            minority_size=minority_size,
            majority_size=self.majority_size,
            test_size=self.test_size,
            seed=seed,
        )

    def _measure(self, trial: Trial) -> dict[str, Any]:
        split = self._split(trial.minority_size, trial.seed)
        rows, labels = safe_indexing(self.rows, split.train), self.labels[split.train]
        tested = safe_indexing(self.rows, split.test)
        estimator = build(
            trial.method,
            trial.classifier,
            self.settings,
            smallest=int(np.unique(labels, return_counts=True)[1].min()),
            seed=trial.seed,
        )
        row: dict[str, Any] = dict.fromkeys(_COSTS, 0)
        parameters: dict[str, Any] = {}
        if METHODS[trial.method].uses_llm:
            generated = self._generated_rows(trial, rows, labels, tested)
            rows, labels, parameters = generated.append_to(rows, labels)
            row["generation_seconds"] = generated.seconds
            row["tokens"] = generated.tokens
            row["synthetic_rows"] = len(generated.accepted)
        embedded = trial.classifier == "embedding" or METHODS[trial.method].uses_llm
        if embedded and not self.is_table:
            # Before the clock starts, so that the first method does not pay for the others.
            self._embed(np.concatenate([split.train, split.test]))
        start = time.perf_counter()
        estimator.fit(rows, labels, **parameters)
        row["fit_seconds"] = time.perf_counter() - start
        start = time.perf_counter()
        row |= evaluate(estimator, tested, self.labels[split.test], minority=self.minority)
        row["predict_seconds"] = time.perf_counter() - start
        self._keep_weights(trial, estimator, parameters)
        return {name: row[name] for name in (*METRICS, *_COSTS)}

    def _embed(self, rows: np.ndarray) -> None:
        """Have `TextEmbedder` compute and remember the embeddings of real rows."""
        from sklw.feature_extraction import TextEmbedder

        TextEmbedder(self.settings.encoder).fit_transform(self.rows[rows])

    def _generated_rows(
        self, trial: Trial, rows: Any, labels: np.ndarray, tested: Any
    ) -> Generated:
        key = trial.minority_size, trial.seed
        if key not in self.generated and self.folder is not None:
            found = self.folder.read_generated(*key, labels)
            if found is not None:
                self.generated[key] = found
        if key not in self.generated:
            try:
                new = generate(rows, labels, self.settings, trial.seed)
                if not self.is_table:
                    new = new.without_copies_of(tested)
                elif not has_natural_repeats(self.rows):
                    new = new.without_copies_of(to_lines(tested))
            except Exception as error:
                # Remembered, so that the other methods do not pay for the same failure again.
                self.generated[key] = error
                raise
            self.generated[key] = new  # before it is written, which may fail
            if self.folder is not None:
                self.folder.write_generated(new, *key)
        known = self.generated[key]
        if isinstance(known, Exception):
            raise known
        return known

    def _keep_weights(self, trial: Trial, estimator: Any, parameters: dict[str, Any]) -> None:
        if self.folder is None or not parameters:
            return
        key = trial.minority_size, trial.seed
        if not self.folder.generated_path(*key).is_file():  # it could not be written before
            self.folder.write_generated(self.generated[key], *key)
        weighter = estimator[0]
        quality = weighter.row_weights_.quality
        weights = weighter.sample_weight_ if quality is None else quality
        made = weights[parameters["syntheticweighter__synthetic"]]
        # Mean 1, so that texts can be compared whatever the share of the synthetic rows is.
        self.folder.write_weights(made / made.mean() if made.any() else made, trial.method, *key)


_COSTS = ("fit_seconds", "predict_seconds", "generation_seconds", "tokens", "synthetic_rows")
