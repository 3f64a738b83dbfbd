"""LLMOverSampler: fills minority classes with rows that a language model writes."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.base import clone
from sklearn.utils import check_random_state

from sklw._compat.scikit_learn import Interval, StrOptions, check_feature_names
from sklw._renamed import renamed_parameters
from sklw._validation import check_encodable
from sklw.generators import (
    BaseGenerator,
    Budget,
    RecordedGenerator,
    RequestCache,
    TransformersGenerator,
    Usage,
)
from sklw.generators._thinking import thinking_marks
from sklw.over_sampling._asking import Asker
from sklw.over_sampling._choices import (
    PROMPTS,
    RENAMED,
    check_object,
    chosen_filter,
    chosen_prompt,
    rows_for,
    warn_of_unread,
)
from sklw.over_sampling._containers import append_labels
from sklw.over_sampling._estimate import estimated
from sklw.over_sampling._problem import Problem, make_problem, warn_of_numbered_classes
from sklw.over_sampling._prompting import BasePrompt
from sklw.over_sampling._room import check_room, make_quotas
from sklw.over_sampling._run import GenerationRun
from sklw.over_sampling._shortfall import report_shortfall
from sklw.over_sampling._table.acceptance import TableFilter
from sklw.over_sampling._text.acceptance import TextFilter

__all__ = ["LLMOverSampler"]


@renamed_parameters(RENAMED)
class LLMOverSampler(BaseOverSampler):
    """Over-sample classes with texts or table rows written by a language model.

    For each row needed, the model is shown a few real rows of the class and writes another.
    Answers are cleaned (numbering, quotes and labels are removed, unless real rows of the class
    have them too) and filtered; recorded rows are taken as they are. Generation continues in
    rounds until each class has its rows or its attempts are used up. Filling minority classes
    with generated rows was proposed in [1]_.

    Rows of a table (a DataFrame with columns of any kind, or an array of numbers) are written in
    one line each, together with rows of other classes, as in [2]_. Answers are checked against
    the columns: type, known categories, range. Constant columns are filled in. A generator that
    supports constrained decoding receives the pattern of the columns.

    Parameters
    ----------
    generator : BaseGenerator, default=None
        The language model. None uses ``TransformersGenerator()``, the embedded
        SmolLM2-135M-Instruct.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows each class should have, in any form that imbalanced-learn accepts. In
        addition, a float may be used with any number of classes: each is filled up to that share
        of the largest class. With groups, it applies to class x group cells: ``"auto"`` fills
        each up to the largest, a float to that share of the largest, and the keys of a dict are
        ``(label, group)`` pairs. In cross-validation, where folds differ in size, use a float or
        a callable rather than a dict.
    augment : int, float or dict, default=0
        Rows to add beyond balance: an int for each class (or cell), a float as a share of the
        balanced rows that is spread evenly, or a dict with a number for each class (or cell).
    group_column : str, int or None, default=None
        For tables, the column that holds the groups, by name or position. Groups that are not a
        column of `X` are passed to :meth:`fit_resample`.
    prompt : str or BasePrompt, default="auto"
        What the model is shown and asked, as a name or as an object with parameters of its own.
        ``"auto"`` stands for ``"examples"`` or ``"table_rows"``. Prompts of your own derive from
        :class:`.BasePrompt`. For texts:

        - ``"examples"``, :class:`.Examples`: asks for another text like those shown;
        - ``"contrast"``, :class:`.Contrast`: shows similar texts of other classes as well;
        - ``"attributes"``, :class:`.Attributes`: asks for a text with certain attributes;
        - ``"rewrite"``, :class:`.Rewrite`: asks for a text with other details;
        - ``"paraphrase"``, :class:`.Paraphrase`: asks for a text in other words;
        - ``"counterfactual"``, :class:`.Counterfactual`: asks to change a text of another class.

        For tables: ``"table_rows"``, :class:`.TableRows`.
    accept : "auto", TextFilter or TableFilter, default="auto"
        Which of the generated rows are accepted: a :class:`.TextFilter` for texts (near
        duplicates, lengths, a verifier), a :class:`.TableFilter` for tables (ranges, copies).
    label_names : dict of label to str, default=None
        Names of the classes in prompts. None uses the labels.
    label_descriptions : dict of label to str, default=None
        A short description of each class for prompts.
    task : str, default=None
        What the rows are, such as ``"SMS messages"`` or ``"Loan applications"``.
    max_attempts : int, default=8
        Maximum number of requests for each row needed, on average over a class. If necessary,
        recorded rows are all read.
    on_shortfall : {"warn", "error", "ignore"}, default="warn"
        What to do if a class has too few rows when its attempts are used up.
    budget : Budget or None, default=None
        Limits on requests, tokens or cost of one fit. When one is reached, generation ends, which
        counts as a shortfall.
    cache : bool, path, RequestCache or None, default=None
        Whether to keep answers on disk, so that no request is paid for twice: True for the
        default file in the user's cache folder, a path, or a :class:`.RequestCache`.
    random_state : int, RandomState or None, default=None
        Seed. It gives the same rows whatever the batch size, except for rounding on a GPU.
    verbose : bool, default=True
        Whether to show a progress bar in a terminal.

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        Rows to generate for each class, or each ``(label, group)``, augmentation not counted.
    synthetic_mask_ : ndarray of bool of shape (n_samples_new,)
        Which rows of the result are synthetic.
    augmentation_mask_ : ndarray of bool of shape (n_samples_new,)
        Which of them are beyond balance.
    groups_ : ndarray of shape (n_samples_new,)
        The group of each row, if there are groups.
    parent_indices_ : list of int arrays, one for each synthetic row
        The rows of `X` shown in its prompt.
    provenance_ : DataFrame
        One row for each candidate, accepted or not: label, group, text, purpose ("oversample" or
        "augment"), accepted, reason, parents, prompt_id, round, seed, backend, model,
        prompt_tokens, completion_tokens, finish_reason, cached, message (what an endpoint said
        where it refused). After an interrupted or failed fit, it has everything that was generated.
    prompt_, accept_ : BasePrompt, TextFilter or TableFilter
        The prompt and the filter used.
    usage_ : Usage
        Requests sent and found in the cache, tokens, and cost at the prices of `budget`.
    generator_ : BaseGenerator
        The generator used.
    n_features_in_ : int
        Number of columns; 1 for texts.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if they have any.

    Raises
    ------
    ValueError, TypeError
        If `X` holds neither texts nor a table, or is a container that new rows cannot be added
        to; if `y` does not fit it, has one class, missing labels or labels of several types; or
        if a class, group or column named in a parameter does not exist.
    NotEnoughGeneratedError
        If a class falls short and ``on_shortfall="error"``.

    Warns
    -----
    GenerationWarning
        If a class falls short, or has few rows, no name but a number, or rows that mostly do not
        fit into an answer; if a column looks like an identifier; or if a cell has no real row.

    See Also
    --------
    SyntheticWeighter : Learn how much each of the rows should count.

    References
    ----------
    .. [1] R. Nakada et al., "Synthetic Oversampling: Theory and A Practical Approach Using LLMs to
       Address Data Imbalance", arXiv:2406.03628.
    .. [2] J. Kim et al., "EPIC: Effective Prompting for Imbalanced-Class Data Synthesis in
       Tabular Data Classification via Large Language Models", NeurIPS 2024.

    Examples
    --------
    >>> from sklw import LLMOverSampler, RecordedGenerator
    >>> X = ["see you at eight", "running late, sorry", "ok, call you back", "win a prize now!"]
    >>> y = ["ham", "ham", "ham", "spam"]
    >>> recorded = RecordedGenerator(
    ...     [{"text": "claim your prize today!", "label": "spam"},
    ...      {"text": "free ringtones, reply now", "label": "spam"}])
    >>> sampler = LLMOverSampler(recorded)
    >>> sampler.fit_resample(X, y)[0][4:]
    ['claim your prize today!', 'free ringtones, reply now']
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "generator": [BaseGenerator, None],
        "augment": [Interval(Real, 0, None, closed="left"), dict],
        "group_column": [str, Integral, None],
        "prompt": [StrOptions({"auto", *PROMPTS}), BasePrompt],
        "accept": [StrOptions({"auto"}), TextFilter, TableFilter],
        "label_names": [dict, None],
        "label_descriptions": [dict, None],
        "task": [str, None],
        "max_attempts": [Interval(Integral, 1, None, closed="left")],
        "on_shortfall": [StrOptions({"warn", "error", "ignore"})],
        "budget": [Budget, None],
        "cache": "no_validation",
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        generator: BaseGenerator | None = None,
        *,
        sampling_strategy: Any = "auto",
        augment: Any = 0,
        group_column: str | int | None = None,
        prompt: str | BasePrompt = "auto",
        accept: str | TextFilter | TableFilter = "auto",
        label_names: dict[Any, str] | None = None,
        label_descriptions: dict[Any, str] | None = None,
        task: str | None = None,
        max_attempts: int = 8,
        on_shortfall: str = "warn",
        budget: Budget | None = None,
        cache: Any = None,
        random_state: Any = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.generator = generator
        self.augment = augment
        self.group_column = group_column
        self.prompt = prompt
        self.accept = accept
        self.label_names = label_names
        self.label_descriptions = label_descriptions
        self.task = task
        self.max_attempts = max_attempts
        self.on_shortfall = on_shortfall
        self.budget = budget
        self.cache = cache
        self.random_state = random_state
        self.verbose = verbose

    def set_params(self, **params: Any) -> "LLMOverSampler":
        """Set parameters, also those of `generator`, `prompt`, `accept` and `budget`.

        Parameters
        ----------
        **params : dict
            Such as ``prompt__n_examples=3``, where `prompt` is an object.

        Returns
        -------
        self : LLMOverSampler
            The sampler.
        """
        for nested in params:
            name, _, parameter = nested.partition("__")
            check_object(name, params.get(name, getattr(self, name, self)), parameter)
        return super().set_params(**params)

    def fit(self, X: Any, y: Any, **params: Any) -> "LLMOverSampler":
        """Check the input and plan; nothing is generated.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,), or table of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            ``groups``, as in :meth:`fit_resample`.

        Returns
        -------
        self : LLMOverSampler
            The sampler, with ``sampling_strategy_``.
        """
        self._check(X, y, **params)
        return self

    def fit_resample(self, X: Any, y: Any, groups: Any = None) -> tuple[Any, Any]:
        """Generate rows and return them after the real ones.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,), or table of shape (n_samples, n_features)
            Texts, as a list, ndarray, Series or one-column DataFrame; or rows of a table, as a
            DataFrame, ndarray or list of lists. Series and DataFrames are those of pandas or
            polars.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels of one type; or one column for each class, with a 1 where a row belongs.
        groups : array-like of shape (n_samples,), default=None
            Group of each row: balances class x group cells. In a pipeline, ask for it with
            ``set_fit_resample_request(groups=True)`` and metadata routing enabled.

        Returns
        -------
        X_resampled, y_resampled : same types as `X` and `y`
            The real rows, untouched, then the synthetic ones.
        """
        problem = self._check(X, y, groups)
        self.generator_ = self._fresh_generator()
        self.usage_ = Usage()
        ask = Asker(self.generator_, self.cache, self.budget, self.usage_, verbose=self.verbose)
        self._uncached_usage = ask.uncached
        run = self._new_run(problem, X, ask)
        if run.quotas and run.rows.writer.form == "fine_tuned":
            self.generator_.fit(run.rows.training_pairs)
        try:
            run.run()
        finally:
            self.provenance_ = run.provenance()
        report_shortfall(run, self.usage_.stopped_by, self.on_shortfall)
        return self._put_together(X, y, problem, run)

    def estimate(self, X: Any, y: Any, groups: Any = None) -> pd.DataFrame:
        """Say what :meth:`fit_resample` would send and cost, without sending anything.

        Parameters
        ----------
        X, y, groups : array-like
            As in :meth:`fit_resample`.

        Returns
        -------
        estimate : DataFrame
            Columns `requests`, `prompt_tokens`, `completion_tokens` and `cost` (at the prices of
            `budget`). The row ``"expected"`` assumes that every answer is accepted and as long as
            the real rows. The row ``"at most"`` assumes that all attempts are spent on the longest
            answers and on the longest of the first 64 prompts of each class. The cache is not taken
            into account.
        """
        twin = clone(self)  # neither what is fitted nor random_state is to change
        run = twin._new_run(twin._check(X, y, groups), X, Asker(twin._fresh_generator()))
        return estimated(run, self.budget or Budget())

    def _check(self, X: Any, y: Any, groups: Any = None) -> Problem:
        """Check parameters and input, and plan."""
        self._validate_params()
        if self.budget is not None:
            self.budget.check()
        RequestCache.resolve(self.cache)  # raises before anything is trained or sent
        problem = make_problem(
            X, y, groups, sampling_strategy=self.sampling_strategy, augment=self.augment,
            group_column=self.group_column, label_names=self.label_names,
            label_descriptions=self.label_descriptions,
        )  # fmt: skip
        check_feature_names(self, X, reset=True)
        self.n_features_in_ = problem.n_features
        self.sampling_strategy_ = problem.targets
        self.prompt_ = chosen_prompt(self.prompt, problem.kind)
        self.accept_ = chosen_filter(self.accept, problem.kind)
        return problem

    def _new_run(self, problem: Problem, X: Any, ask: Asker) -> GenerationRun:
        """Prepare everything that can go wrong before the first request is sent."""
        generator = ask.generator
        rows = rows_for(problem, self.prompt_, self.accept_, generator.prompt_form, self.task)
        warn_of_unread(self.prompt_, rows)
        check_encodable(rows.texts)
        rows.check(generator)
        self.prompt_.start(rows.source)
        recorded = isinstance(generator, RecordedGenerator)
        quotas = make_quotas(problem.cells, rows, self.max_attempts, recorded)
        rows.check_appendable(X)
        named = self.label_names or self.label_descriptions
        if quotas and problem.kind == "text" and rows.writer.form != "none" and not named:
            warn_of_numbered_classes(problem.labels)
        ask = replace(ask, marks=thinking_marks(rows.texts))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        run = GenerationRun(ask, quotas, rows, seed, rows.verifier(ask, seed))
        check_room(run)
        return run

    def _fresh_generator(self) -> BaseGenerator:
        return TransformersGenerator() if self.generator is None else clone(self.generator)

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        return self.fit_resample(X, y, **params)

    def _put_together(
        self, X: Any, y: Any, problem: Problem, run: GenerationRun
    ) -> tuple[Any, Any]:
        balancing = [c for q in run.quotas for c in q.accepted[: q.cell.oversample]]
        beyond = [c for q in run.quotas for c in q.accepted[q.cell.oversample :]]
        made, n_real = [*balancing, *beyond], len(problem.labels)
        self.parent_indices_ = [candidate.shown for candidate in made]
        at = np.arange(n_real + len(made))
        self.synthetic_mask_ = at >= n_real
        self.augmentation_mask_ = at >= n_real + len(balancing)
        self.__dict__.pop("groups_", None)  # of another fit
        cells = [candidate.quota.cell for candidate in made]
        if problem.groups is not None:
            new = np.array([*(cell.group for cell in cells), None], dtype=object)[:-1]
            self.groups_ = np.concatenate([problem.groups, new])
        X_new = run.rows.append(X, [candidate.row for candidate in made])
        return X_new, append_labels(y, [cell.label for cell in cells], one_hot=problem.one_hot)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        return tags
