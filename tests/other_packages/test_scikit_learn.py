"""Meta-estimators of scikit-learn around our pipelines, and as their final step."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from sklw import BertClassifier, RowWeights, make_pipeline
from sklw.ensemble import RealSyntheticVotingClassifier

GRID = {"C": [0.1, 10.0]}


def pipeline(task, final=None):
    final = LogisticRegression() if final is None else final
    return make_pipeline(task.sampler(), task.weighter(), TfidfVectorizer(), final)


def by_hand(task, X, y, final=None):
    """Fit without a pipeline: sampler, weighter, TF-IDF, classifier."""
    X_all, y_all, weights = task.weighted(X, y)
    words = TfidfVectorizer().fit(X_all)
    final = LogisticRegression() if final is None else clone(final)
    final.fit(words.transform(X_all), y_all, sample_weight=weights)
    return make_plain_pipeline(words, final)


def chosen(texts, rows):
    return [texts[row] for row in rows]


class TestAroundOurs:
    def test_stacking(self, task):
        cv = StratifiedKFold(3)
        words = make_plain_pipeline(TfidfVectorizer(), LogisticRegression())
        stack = StackingClassifier([("ours", pipeline(task)), ("words", words)], cv=cv)
        stack.fit(task.texts, task.labels)
        expected = by_hand(task, task.texts, task.labels)
        assert stack.named_estimators_["ours"].predict_proba(task.new) == pytest.approx(
            expected.predict_proba(task.new)
        )
        # What the final estimator learned from: each row judged by a pipeline of other folds.
        columns = np.empty((len(task.texts), 2))
        for train, test in cv.split(task.texts, task.labels):
            held_out = chosen(task.texts, test)
            ours = by_hand(task, chosen(task.texts, train), task.labels[train])
            plain = clone(words).fit(chosen(task.texts, train), task.labels[train])
            columns[test, 0] = ours.predict_proba(held_out)[:, 1]
            columns[test, 1] = plain.predict_proba(held_out)[:, 1]
        final = LogisticRegression().fit(columns, task.labels)
        assert stack.final_estimator_.coef_ == pytest.approx(final.coef_, rel=1e-4)

    def test_calibration(self, task):
        cv = StratifiedKFold(3)
        calibrated = CalibratedClassifierCV(pipeline(task), cv=cv).fit(task.texts, task.labels)
        for one, (train, _) in zip(
            calibrated.calibrated_classifiers_, cv.split(task.texts, task.labels), strict=True
        ):
            expected = by_hand(task, chosen(task.texts, train), task.labels[train])
            assert one.estimator.predict_proba(task.new) == pytest.approx(
                expected.predict_proba(task.new)
            )

    def test_tuned_threshold(self, task):
        tuned = TunedThresholdClassifierCV(pipeline(task), cv=3, scoring="f1", thresholds=20)
        tuned.fit(task.texts, task.labels)
        expected = by_hand(task, task.texts, task.labels).predict_proba(task.new)
        assert tuned.predict_proba(task.new) == pytest.approx(expected)
        above = expected[:, 1] >= tuned.best_threshold_
        assert tuned.predict(task.new).tolist() == above.astype(int).tolist()

    @pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
    def test_fixed_threshold(self, task, threshold):
        fixed = FixedThresholdClassifier(
            pipeline(task), threshold=threshold, response_method="predict_proba"
        ).fit(task.texts, task.labels)
        expected = by_hand(task, task.texts, task.labels).predict_proba(task.new)[:, 1]
        assert fixed.predict(task.new).tolist() == (expected >= threshold).astype(int).tolist()

    @pytest.mark.slow
    @pytest.mark.parametrize("search", [HalvingGridSearchCV, HalvingRandomSearchCV])
    def test_halving_search(self, task, search):
        grid = {"syntheticweighter__temperature": [0.5, 2.0], "logisticregression__C": [0.1, 10.0]}
        found = search(
            pipeline(task), grid, cv=2, random_state=0, min_resources=len(task.texts),
            scoring="neg_log_loss",
        ).fit(task.texts, task.labels)  # fmt: skip
        again = pipeline(task).set_params(**found.best_params_).fit(task.texts, task.labels)
        assert found.predict_proba(task.new) == pytest.approx(again.predict_proba(task.new))
        scores = found.cv_results_["mean_test_score"]
        assert found.best_score_ == pytest.approx(scores.max())
        assert np.isfinite(scores).all()


def halving():
    return HalvingGridSearchCV(
        LogisticRegression(), GRID, cv=2, random_state=0, min_resources=24, scoring="neg_log_loss"
    )


def told_apart():
    return RealSyntheticVotingClassifier(LogisticRegression())


def vote_of(*parts):
    return VotingClassifier([(f"part{at}", part) for at, part in enumerate(parts)], voting="soft")


class TestAsOurFinalStep:
    def check(self, task, final):
        pipe = pipeline(task, clone(final)).fit(task.texts, task.labels)
        expected = by_hand(task, task.texts, task.labels, final)
        assert pipe.predict_proba(task.new) == pytest.approx(expected.predict_proba(task.new))
        X_all, y_all, _ = task.weighted(task.texts, task.labels)
        plain = make_plain_pipeline(TfidfVectorizer(), clone(final)).fit(X_all, y_all)
        assert pipe.predict_proba(task.new) != pytest.approx(plain.predict_proba(task.new))

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_calibration(self, task, method):
        self.check(task, CalibratedClassifierCV(LogisticRegression(), method=method, cv=2))

    def test_halving_search(self, task):
        self.check(task, halving())

    def test_stacking(self, task):
        self.check(task, StackingClassifier([("a", LogisticRegression())], cv=2))

    def test_halving_random_search(self, task):
        self.check(
            task,
            HalvingRandomSearchCV(
                LogisticRegression(), GRID, cv=2, random_state=0, min_resources=24, n_candidates=2
            ),
        )

    @pytest.mark.parametrize(
        "final",
        [
            TunedThresholdClassifierCV(LogisticRegression(), cv=2),
            FixedThresholdClassifier(LogisticRegression()),
        ],
        ids=lambda final: type(final).__name__,
    )
    def test_what_would_lose_the_weights_is_refused(self, task, final):
        with pytest.raises(TypeError, match=f"{type(final).__name__} cannot take sample_weight"):
            pipeline(task, final).fit(task.texts, task.labels)

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["stacking", "tuned", "fixed", "calibrated"])
    def test_with_metadata_routing_the_weights_arrive(self, task, kind):
        with config_context(enable_metadata_routing=True):
            scorer = get_scorer("f1").set_score_request(sample_weight=False)
            inner = LogisticRegression().set_fit_request(sample_weight=True)
            final = {
                "stacking": StackingClassifier(
                    [("a", inner)], cv=2,
                    final_estimator=LogisticRegression().set_fit_request(sample_weight=False),
                ),
                "tuned": TunedThresholdClassifierCV(inner, cv=2, thresholds=9, scoring=scorer),
                "fixed": FixedThresholdClassifier(inner, threshold=0.4),
                "calibrated": CalibratedClassifierCV(inner, cv=2),
            }[kind]  # fmt: skip
            self.check(task, final)

    @pytest.mark.parametrize("outside", [False, True])
    def test_a_vote_of_parts_that_read_either_kind_of_weights(self, task, outside):
        """Each gets its own; before, those that ask for sample_weight got none."""
        with config_context(enable_metadata_routing=True):
            told = told_apart().set_fit_request(row_weights=True, sample_weight=False)
            plain = LogisticRegression().set_fit_request(sample_weight=True)
            vote = VotingClassifier([("told", told), ("plain", plain)], voting="soft")
            final = RealSyntheticVotingClassifier(vote) if outside else vote
            pipe = pipeline(task, final).fit(task.texts, task.labels)
            found = (pipe[-1].estimator_ if outside else pipe[-1]).named_estimators_["plain"]
        words = TfidfVectorizer().fit(task.X_all)
        expected = LogisticRegression().fit(words.transform(task.X_all), task.y_all, task.weights)
        assert found.coef_ == pytest.approx(expected.coef_)

    def test_calibration_by_weighted_rows_of_what_tells_rows_apart(self, task):
        cv = StratifiedKFold(2, shuffle=True, random_state=0)
        words = TfidfVectorizer().fit(task.X_all)
        rows = words.transform(task.X_all), task.y_all
        weights = RowWeights(task.weights, np.arange(len(task.y_all)) >= len(task.texts))
        with config_context(enable_metadata_routing=True):
            told = told_apart().set_fit_request(row_weights=True, sample_weight=False)
            final = CalibratedClassifierCV(told, cv=cv)
            pipe = pipeline(task, final).fit(task.texts, task.labels)
            expected = clone(final).fit(*rows, task.weights, row_weights=weights)
            without = clone(final).fit(*rows, row_weights=weights)
        new = words.transform(task.new)
        assert pipe.predict_proba(task.new) == pytest.approx(expected.predict_proba(new))
        assert pipe.predict_proba(task.new) != pytest.approx(without.predict_proba(new))

    @pytest.mark.parametrize(
        ("final", "words"),
        [
            (lambda told, plain: vote_of(told, plain), "RealSyntheticVotingClassifier.fit, which"),
            (lambda told, plain: CalibratedClassifierCV(told), "sample_weight=False"),
            (
                lambda told, plain: StackingClassifier([("told", told)], LogisticRegression()),
                r"Put it outside, RealSyntheticVotingClassifier\(StackingClassifier",
            ),
            (
                lambda told, plain: StackingClassifier([("a", told), ("b", plain)], told_apart()),
                "Let all of them ask for the same",
            ),
            (
                lambda told, plain: StackingClassifier([("b", plain)], KNeighborsClassifier()),
                "Either use a final estimator whose fit takes sample_weight",
            ),
        ],
    )
    def test_parts_that_would_get_no_weights_are_told_in_time(self, task, final, words):
        sampler = task.sampler().set_params(generator__records="no/such/file.csv")
        with config_context(enable_metadata_routing=True):
            told = told_apart().set_fit_request(row_weights=True)
            plain = LogisticRegression().set_fit_request(sample_weight=True)
            pipe = pipeline(task, final(told, plain)).set_params(llmoversampler=sampler)
            with pytest.raises(TypeError, match=words):
                pipe.fit(task.texts, task.labels)

    def test_self_training_works_after_the_first_advice(self, task):
        plain = pipeline(task, SelfTrainingClassifier(LogisticRegression()))
        advice = r"set_fit_request\(sample_weight=True\)\.set_score_request\(sample_weight=False\)"
        with pytest.raises(TypeError, match=advice):
            plain.fit(task.texts, task.labels)
        with config_context(enable_metadata_routing=True):
            part = LogisticRegression().set_fit_request(sample_weight=True)
            part.set_score_request(sample_weight=False)
            routed = pipeline(task, SelfTrainingClassifier(part))
            with pytest.warns(UserWarning, match="no unlabeled samples"):
                routed.fit(task.texts, task.labels)

    def test_weights_that_are_finished_in_training_reach_no_other_part(self, task):
        with config_context(enable_metadata_routing=True):
            told = BertClassifier().set_fit_request(row_weights=True, sample_weight=False)
            plain = LogisticRegression().set_fit_request(sample_weight=True)
            pipe = pipeline(task, vote_of(told, plain)).set_params(syntheticweighter__method="dimp")
            with pytest.raises(TypeError, match="a method that gives fixed weights"):
                pipe.fit(task.texts, task.labels)

    def test_a_stack_within_the_vote_with_the_real_rows(self, task):
        cv = StratifiedKFold(2, shuffle=True, random_state=0)
        stack = StackingClassifier([("a", LogisticRegression())], cv=cv)
        pipe = pipeline(task, RealSyntheticVotingClassifier(stack)).fit(task.texts, task.labels)
        expected = by_hand(task, task.texts, task.labels, stack)
        found = pipe[-1].estimator_.predict_proba(pipe[:-1].transform(task.new))
        assert found == pytest.approx(expected.predict_proba(task.new))
