"""LLMOverSampler: fills minority classes with rows that a language model writes."""

from collections.abc import Iterator, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.base import clone
from sklearn.utils import check_random_state

from sklw._compat.scikit_learn import HasMethods, Interval, StrOptions, check_feature_names
from sklw._progress import progress
from sklw._validation import check_texts, holds_texts
from sklw.generators import (
    BaseGenerator,
    Budget,
    Completion,
    Request,
    RequestCache,
    TransformersGenerator,
    Usage,
    iter_within,
)
from sklw.generators._thinking import thinking_marks, without_thinking
from sklw.over_sampling._cells import Cell, check_known, plan_cells
from sklw.over_sampling._containers import append_labels
from sklw.over_sampling._estimate import estimated
from sklw.over_sampling._preparation import prepare, prepare_verifier
from sklw.over_sampling._problem import (
    check_groups,
    check_labels,
    check_labels_appendable,
    is_table,
    name_of_group_column,
    warn_of_numbered_classes,
)
from sklw.over_sampling._room import check_room
from sklw.over_sampling._run import GenerationRun
from sklw.over_sampling._shortfall import report_shortfall
from sklw.over_sampling._table.rows import as_table
from sklw.over_sampling._text.prompts import PROMPT_STRATEGIES
from sklw.over_sampling._writer import ClassDescription

__all__ = ["LLMOverSampler"]

# What a budget may leave without a verdict, at most.
_VERIFIED_AT_ONCE = 32


class LLMOverSampler(BaseOverSampler):
    """Over-sample classes with texts or table rows written by a language model.

    For each row wanted, the model is shown a few real rows of the class and writes another.
    Answers are cleaned (numbering, quotes, labels written into the text, unless real rows of the
    class begin or end that way) and filtered, while recorded rows are taken as they are; generation
    goes on in rounds until each class has its rows or its attempts are spent. The idea of filling
    minority classes with generated rows is that of [1]_.

    Rows of a table (a DataFrame of any columns, or an array of numbers) are written in one line
    each, with rows of other classes beside those of the class, as in [2]_. What comes back is
    checked against the columns: type, known categories, range. A column that never changes is
    filled in; a generator that can hold a model to a pattern is given that of the columns.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows each class is to have, in every form that imbalanced-learn takes. Beyond
        it, a float may be used with any number of classes: each gets at least that share of the
        rows of the largest, and one that has more stays as it is. With groups it is about
        class x group cells: ``"auto"`` fills each up to the largest, a float to that share of the
        largest, and the keys of a dict are ``(label, group)`` pairs. In cross-validation, where
        folds differ in size, a float or a callable suits better than a dict.
    augment : int, float or dict, default=0
        Rows beyond balance: for each class (or cell) a number, or all together a share of the
        balanced rows, spread evenly; a dict gives a number for each class (or cell).
    group_column : str, int or None, default=None
        For tables: the column that holds the groups, by name or position. Groups that are not a
        column of `X` are passed to :meth:`fit_resample`.
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
        What the rows are, such as ``"SMS messages"`` or ``"Loan applications"``.
    instructions : str, default=None
        Further wishes for the texts, in your words.
    prompt_strategy : str, default="examples"
        What the model is shown and asked for; texts only, and see the user guide:

        - ``"examples"``: texts of the class, and another one;
        - ``"contrast"``: the same, with the most similar texts of other classes between them;
        - ``"attributes"``: the same, and what the new one is to be like [3]_;
        - ``"rewrite"``: one text of the class anew, with other details [4]_;
        - ``"paraphrase"``: one text of the class in other words;
        - ``"counterfactual"``: a text of another class, changed until it belongs to this one.
    attributes : dict, default=None
        For ``"attributes"``: what each new text draws one value of. Maps a name to values, to
        values by label, to ``"propose"`` (the model is asked for some first) or to ``"match"``
        (the number of words of a real text). None stands for
        ``{"topic": "propose", "length": "match"}``.
    prompt_template : str, default=None
        Your words in place of ours. Fields in braces: `examples`, `label`, `description`, `task`,
        `instructions`, `attributes`, `n_rows`, and, where a text is made from another one,
        `source` and `source_label`. What a completion model is to go on with, or what a chat
        model is told.
    verifier : {"embedding", "model"}, classifier or None, default=None
        Takes only texts that it assigns to the class they were written for: logistic regression
        with balanced classes on frozen sentence embeddings, the generator itself (a request for
        each text, at temperature 0; an answer that names no class counts against the text), or a
        classifier with ``predict_proba``. Classifiers are fitted on the real texts, crosswise.
        Texts only.
    rows_per_request : int, default=1
        Rows that one answer is asked for; chat form only.
    near_duplicate_threshold : float or None, default=0.8
        A row whose character 4-grams have this cosine similarity with a real row of its class or
        with an accepted row is taken for a copy. None looks for exact copies only. In tables
        only exact copies count, and none where real rows repeat each other; None keeps them all.
    length_tolerance : float, default=2.0
        A row may be this many times longer than the longest, or shorter than the shortest, real
        row of its class. For texts that a model writes.
    row_format : {"csv", "sentences", "json"}, default="csv"
        How a table row is written: ``39,Private``, which costs the fewest tokens;
        ``age is 39, workclass is Private``; or as a JSON object, for which servers that know JSON
        schemas are given one.
    category_codes : bool, default=False
        Write categories as short codes (``A0``, ``A1``), which no word's usual meaning leads
        astray [2]_.
    range_margin : float, default=0.1
        Share of a column's range by which a generated number or date may lie outside it; what
        is never negative stays so.
    max_attempts : int, default=8
        Requests sent for each row wanted, at most, on average over a class.
    on_shortfall : {"warn", "error", "ignore"}, default="warn"
        What to do where a class falls short when its attempts are spent.
    budget : Budget or None, default=None
        Bounds of requests, tokens or cost; where one is reached, generation ends with what there
        is, and counts as a shortfall.
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
        where it refused). Also there after an interrupted or failed fit, with all that was
        generated.
    usage_ : Usage
        Requests sent and found in the cache, tokens, and cost at the prices of `budget`.
    generator_ : BaseGenerator
        The generator used.
    n_features_in_ : int
        Number of columns; 1 for texts.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns, if they have any.

    Raises
    ------
    ValueError, TypeError
        If `X` holds neither texts nor a table, or is a container that new rows cannot be added
        to; if `y` does not fit it, has one class, missing labels or labels of several types; or
        if a class, group or column named in a parameter does not exist.
    NotEnoughGeneratedError
        If a class falls short and ``on_shortfall="error"``.

    See Also
    --------
    SyntheticWeighter : Learn how much each of the rows should count.

    References
    ----------
    .. [1] R. Nakada et al., "Synthetic Oversampling: Theory and A Practical Approach Using LLMs to
       Address Data Imbalance", arXiv:2406.03628.
    .. [2] J. Kim et al., "EPIC: Effective Prompting for Imbalanced-Class Data Synthesis in
       Tabular Data Classification via Large Language Models", NeurIPS 2024.
    .. [3] Y. Yu et al., "Large Language Model as Attributed Training Data Generator: A Tale of
       Diversity and Bias", NeurIPS 2023.
    .. [4] V. Veselovsky et al., "Generating Faithful Synthetic Data with Large Language Models",
       arXiv:2305.15041.

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

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "augment": [Interval(Real, 0, None, closed="left"), dict],
        "group_column": [str, Integral, None],
        "generator": [BaseGenerator, None],
        "n_examples": [Interval(Integral, 1, None, closed="left")],
        "example_selection": [StrOptions({"random", "nearest", "diverse"})],
        "answers_per_prompt": [Interval(Integral, 1, None, closed="left")],
        "label_names": [dict, None],
        "label_descriptions": [dict, None],
        "task": [str, None],
        "instructions": [str, None],
        "prompt_strategy": [StrOptions(set(PROMPT_STRATEGIES))],
        "attributes": [dict, None],
        "prompt_template": [str, None],
        "verifier": [
            StrOptions({"embedding", "model"}),
            HasMethods(["fit", "predict_proba"]),
            None,
        ],
        "rows_per_request": [Interval(Integral, 1, None, closed="left")],
        "near_duplicate_threshold": [Interval(Real, 0, 1, closed="right"), None],
        "length_tolerance": [Interval(Real, 1, None, closed="left")],
        "row_format": [StrOptions({"csv", "json", "sentences"})],
        "category_codes": ["boolean"],
        "range_margin": [Interval(Real, 0, None, closed="left")],
        "max_attempts": [Interval(Integral, 1, None, closed="left")],
        "on_shortfall": [StrOptions({"warn", "error", "ignore"})],
        "budget": [Budget, None],
        "cache": "no_validation",
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        augment: Any = 0,
        group_column: str | int | None = None,
        generator: BaseGenerator | None = None,
        n_examples: int = 5,
        example_selection: str = "random",
        answers_per_prompt: int = 4,
        label_names: dict[Any, str] | None = None,
        label_descriptions: dict[Any, str] | None = None,
        task: str | None = None,
        instructions: str | None = None,
        prompt_strategy: str = "examples",
        attributes: dict[str, Any] | None = None,
        prompt_template: str | None = None,
        verifier: Any = None,
        rows_per_request: int = 1,
        near_duplicate_threshold: float | None = 0.8,
        length_tolerance: float = 2.0,
        row_format: str = "csv",
        category_codes: bool = False,
        range_margin: float = 0.1,
        max_attempts: int = 8,
        on_shortfall: str = "warn",
        budget: Budget | None = None,
        cache: Any = None,
        random_state: Any = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.augment = augment
        self.group_column = group_column
        self.generator = generator
        self.n_examples = n_examples
        self.example_selection = example_selection
        self.answers_per_prompt = answers_per_prompt
        self.label_names = label_names
        self.label_descriptions = label_descriptions
        self.task = task
        self.instructions = instructions
        self.prompt_strategy = prompt_strategy
        self.attributes = attributes
        self.prompt_template = prompt_template
        self.verifier = verifier
        self.rows_per_request = rows_per_request
        self.near_duplicate_threshold = near_duplicate_threshold
        self.length_tolerance = length_tolerance
        self.row_format = row_format
        self.category_codes = category_codes
        self.range_margin = range_margin
        self.max_attempts = max_attempts
        self.on_shortfall = on_shortfall
        self.budget = budget
        self.cache = cache
        self.random_state = random_state
        self.verbose = verbose

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
        self._validate_params()
        self._plan(X, y, **params)
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
        self._validate_params()
        if self.budget is not None:
            self.budget.check()
        rows, cells = self._plan(X, y, groups)
        self.generator_ = self._fresh_generator()
        self.usage_ = Usage()
        run = self._new_run(self.generator_, X, rows, cells)
        if run.quotas and run.rows.writer.form == "fine_tuned":
            self.generator_.fit(run.rows.training_pairs)
        try:
            run.run()
        finally:
            self.provenance_ = run.provenance()
        report_shortfall(run, self.usage_.stopped_by, self.on_shortfall)
        return self._put_together(X, y, run, len(rows))

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
            `budget`). Rows ``"expected"``, if every answer is accepted and as long as the real
            rows are, and ``"at most"``, when all attempts are spent on the longest answers. The
            cache is not looked into.
        """
        self._validate_params()
        if self.budget is not None:
            self.budget.check()
        rows, cells = self._plan(X, y, groups)
        run = self._new_run(self._fresh_generator(), X, rows, cells)
        return estimated(run, self.budget or Budget())

    def _new_run(
        self, generator: BaseGenerator, X: Any, rows: Any, cells: list[Cell]
    ) -> GenerationRun:
        quotas, row_format = prepare(self, generator, rows, cells)
        row_format.check_appendable(X)
        named = self.label_names or self.label_descriptions
        if self._is_text and row_format.writer.form != "none" and not named:
            warn_of_numbered_classes([cell.label for cell in cells], quotas)
        self._marks = thinking_marks(row_format.texts)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        verifier = prepare_verifier(self, generator, row_format, cells, seed, self._ask)
        bounded = self.verifier == "model" and self.budget is not None
        run = GenerationRun(
            generator=generator,
            ask=partial(self._ask, generator),
            quotas=quotas,
            rows=row_format,
            seed=seed,
            answers_per_prompt=self.answers_per_prompt,
            verifier=verifier,
            portion=_VERIFIED_AT_ONCE if bounded else None,
        )
        check_room(run)
        return run

    def _fresh_generator(self) -> BaseGenerator:
        return TransformersGenerator() if self.generator is None else clone(self.generator)

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        return self.fit_resample(X, y, **params)

    def _put_together(self, X: Any, y: Any, run: GenerationRun, n_real: int) -> tuple[Any, Any]:
        made = [
            (quota.cell, *row, beyond)
            for beyond in (False, True)
            for quota in run.quotas
            for row in (
                quota.rows[quota.cell.oversample :]
                if beyond
                else quota.rows[: quota.cell.oversample]
            )
        ]
        self.parent_indices_ = [parents for _, _, parents, _ in made]
        self.synthetic_mask_ = np.arange(n_real + len(made)) >= n_real
        self.__dict__.pop("groups_", None)  # of another fit
        self.augmentation_mask_ = self.synthetic_mask_.copy()
        self.augmentation_mask_[n_real:] = [beyond for *_, beyond in made]
        if self._groups is not None:
            new = np.array([cell.group for cell, *_ in made] + [None], dtype=object)[:-1]
            self.groups_ = np.concatenate([self._groups, new])
        labels = [cell.label for cell, *_ in made]
        X_new = run.rows.append(X, [row for _, row, _, _ in made])
        return X_new, append_labels(y, labels, one_hot=self._one_hot)

    def _plan(self, X: Any, y: Any, groups: Any = None) -> tuple[Any, list[Cell]]:
        """Check the input; return the rows as texts or a frame, and what each cell is to get."""
        self._is_text = holds_texts(X) or not is_table(X)
        rows: Any = (
            check_texts(X, estimator_name="LLMOverSampler") if self._is_text else as_table(X)
        )
        labels, self._one_hot = check_labels(y, len(rows))
        check_labels_appendable(y, labels, self._one_hot)
        self.n_features_in_ = 1 if self._is_text else rows.shape[1]
        check_feature_names(self, X, reset=True)
        self._group_name = None
        if self.group_column is not None:
            self._group_name = name_of_group_column(X, rows, self.group_column, groups)
            groups = rows[self._group_name]
        self._groups = None if groups is None else check_groups(groups, len(rows))
        for name in ("label_names", "label_descriptions"):
            check_known(name, getattr(self, name), dict.fromkeys(labels))
        cells, self.sampling_strategy_ = plan_cells(
            labels, self._groups, self.sampling_strategy, self.augment, self._describe
        )
        return rows, cells

    def _describe(self, label: Any, group: Any) -> ClassDescription:
        name = label_name = self._name_of(label)
        if group is not None:
            name += f", {'group' if self.group_column is None else self.group_column}: {group}"
        description = (self.label_descriptions or {}).get(label, "")
        # In texts the parser looks for the label alone.
        return ClassDescription(name, description, label_name if self._is_text else "")

    def _name_of(self, label: Any) -> str:
        return str((self.label_names or {}).get(label, label))

    def _ask(
        self, generator: BaseGenerator, requests: Sequence[Request]
    ) -> Iterator[tuple[int, Completion]]:
        cache = RequestCache.resolve(self.cache)
        with progress(len(requests), "LLMOverSampler", "request", self.verbose) as bar:
            for index, completion in iter_within(
                generator, requests, cache, self.budget, self.usage_
            ):
                bar.update()
                yield index, without_thinking(completion, self._marks)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags
