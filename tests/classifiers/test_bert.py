"""BertClassifier as a scikit-learn estimator and as a skorch net."""

import io
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from skorch.dataset import ValidSplit
from transformers import AutoModel

from sklw import BertClassifier, RowWeights, SyntheticWeighter
from sklw.exceptions import ModelNotFoundError
from sklw.weighting import Dimp


@pytest.fixture(scope="module")
def fitted(settings, reviews):
    return BertClassifier(**{**settings, "max_epochs": 20}).fit(*reviews)


def test_learns_and_predicts(fitted, reviews):
    X, y = reviews
    p = fitted.predict_proba(X)
    assert p.shape == (60, 2)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert fitted.classes_.tolist() == ["down", "up"]
    assert np.array_equal(fitted.predict(X), fitted.classes_[p.argmax(axis=1)])
    assert fitted.score(X, y) > 0.95


def test_order_and_neighbours_do_not_matter(fitted, reviews):
    X = np.array(reviews[0], dtype=object)
    p = fitted.predict_proba(X)
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(fitted.predict_proba(X[order]), p[order], atol=1e-6)
    np.testing.assert_allclose(fitted.predict_proba(X[5:6]), p[5:6], atol=1e-6)


@pytest.mark.parametrize("container", [list, np.array, pd.Series, pd.DataFrame])
def test_containers(fitted, reviews, container):
    expected = fitted.predict_proba(reviews[0])
    assert np.array_equal(fitted.predict_proba(container(reviews[0])), expected)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([True, False]),
        np.array([7, -2]),
        np.array([0.0, 1.0]),
        np.array(["b", "a"], dtype=object),
        pd.Series(["b", "a"], index=[5, 4]),
        pd.Series(["b", "a"], dtype="category"),
        pd.Series([True, False], dtype=object),
        ["b", "a"],
    ],
)
def test_labels_of_any_type(settings, labels):
    texts = ["good film", "bad film"]
    clf = BertClassifier(**{**settings, "max_epochs": 20}).fit(texts, labels)
    assert clf.classes_.tolist() == sorted(labels)
    assert clf.predict(texts).tolist() == list(labels)


@pytest.mark.parametrize("classes", [["up", "down"], ["x", "up", "down", "a"]])
def test_given_classes_are_sorted(settings, reviews, classes):
    X, y = reviews
    clf = BertClassifier(**{**settings, "max_epochs": 20}, classes=classes).fit(X, y)
    assert clf.classes_.tolist() == sorted(classes)
    assert clf.predict_proba(X).shape == (60, len(classes))
    assert clf.score(X, y) > 0.95


def test_same_seed_same_result_and_global_state_untouched(settings, reviews):
    X, y = reviews
    settings = {**settings, "dropout": 0.3}
    torch.manual_seed(11)
    state = torch.get_rng_state()
    first = BertClassifier(**settings).fit(X, y).predict_proba(X)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(12)
    assert np.array_equal(BertClassifier(**settings).fit(X, y).predict_proba(X), first)
    other = BertClassifier(**{**settings, "random_state": 1}).fit(X, y).predict_proba(X)
    assert not np.array_equal(other, first)


def test_clone_and_params(settings, tiny):
    scoring = ("f1", EpochScoring("f1_macro"))
    clf = BertClassifier(
        **{**settings, "device": "auto"},
        callbacks=[scoring],
        class_weight={"up": 2},
        module__pooling="cls",
        optimizer__betas=(0.9, 0.98),
        criterion__label_smoothing=0.1,
    )
    params = clf.get_params(deep=False)
    assert params["device"] == "auto"
    assert not [name for name in params if name.startswith("_") or name.endswith("_")]
    copy = clone(clf)
    copied = copy.get_params(deep=False)
    assert copied.keys() == params.keys()
    assert copied["module__pooling"] == "cls"
    assert copied["criterion__label_smoothing"] == 0.1
    copy.set_params(lr=0.5, max_epochs=7, optimizer__betas=(0.5, 0.5))
    assert (copy.lr, copy.max_epochs, clf.lr) == (0.5, 7, 1e-2)
    assert "class_weight={'up': 2}" in repr(clf)
    assert "BertClassifier" in clf._repr_html_()


def test_clone_of_fitted_starts_anew(fitted, reviews):
    copy = clone(fitted)
    with pytest.raises(NotFittedError, match="fit"):
        copy.predict(reviews[0])
    assert np.array_equal(
        copy.fit(*reviews).predict_proba(reviews[0]), fitted.predict_proba(reviews[0])
    )


def test_refit_equals_first_fit(settings, reviews):
    X, y = reviews
    clf = BertClassifier(**settings).fit(X, y)
    first = clf.predict_proba(X)
    assert np.array_equal(clf.fit(X, y).predict_proba(X), first)
    assert len(clf.history) == clf.max_epochs


def test_unknown_parameter_names(settings, reviews):
    with pytest.raises(ValueError, match="unexpected argument"):
        BertClassifier(**settings, learning_rate=1).fit(*reviews)
    with pytest.raises(ValueError, match="did you mean module__pooling"):
        BertClassifier(**settings, module_pooling="cls").fit(*reviews)
    with pytest.raises(ValueError, match="Invalid parameter"):
        BertClassifier(**settings).set_params(learning_rate=1)


def test_pickle(fitted, reviews):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(reviews[0]), fitted.predict_proba(reviews[0]))
    assert again.get_params(deep=False)["random_state"] == 0


def test_save_and_load_params(settings, fitted, reviews, tmp_path):
    fitted.save_params(f_params=tmp_path / "weights.pt", f_history=tmp_path / "history.json")
    other = BertClassifier(**{**settings, "random_state": 5}, classes=["down", "up"]).initialize()
    other.load_params(f_params=tmp_path / "weights.pt", f_history=tmp_path / "history.json")
    assert np.array_equal(other.predict_proba(reviews[0]), fitted.predict_proba(reviews[0]))
    assert len(other.history) == len(fitted.history)
    buffer = io.BytesIO()
    fitted.save_params(f_params=buffer, use_safetensors=True)
    assert buffer.tell() > 0


def test_initialize_needs_classes(settings):
    with pytest.raises(ValueError, match="classes="):
        BertClassifier(**settings).initialize()


@pytest.mark.slow
def test_grid_search_in_two_processes(settings, reviews):
    grid = GridSearchCV(
        BertClassifier(**settings, label_smoothing=0.0),
        {"lr": [1e-2, 1e-7], "module__pooling": ["mean"], "max_epochs": [20]},
        scoring=make_scorer(f1_score, pos_label="up"),
        cv=2,
        n_jobs=2,
    ).fit(*reviews)
    assert grid.best_params_["lr"] == 1e-2
    assert grid.best_score_ > 0.9
    by_loss = GridSearchCV(BertClassifier(**settings), {"lr": [1e-2]}, scoring="neg_log_loss", cv=2)
    assert np.isfinite(by_loss.fit(*reviews).best_score_)


def test_cross_val_predict(settings, reviews):
    p = cross_val_predict(BertClassifier(**settings), *reviews, cv=3, method="predict_proba")
    assert p.shape == (60, 2)


def test_metadata_routing(settings, reviews):
    import sklearn
    from sklearn.pipeline import make_pipeline

    X, y = reviews
    weights = np.linspace(0.1, 2, 60)
    expected = BertClassifier(**settings).fit(X, y, sample_weight=weights).predict_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = BertClassifier(**settings).set_fit_request(sample_weight=True)
        pipe = make_pipeline(clone(clf)).fit(X, y, sample_weight=weights)
        assert np.array_equal(pipe.predict_proba(X), expected)


@pytest.mark.slow
def test_history_and_scoring_callbacks_see_the_labels(settings, reviews):
    spam = make_scorer(f1_score, pos_label="up")
    callbacks = [
        ("cached", EpochScoring(spam, name="f1_cached", lower_is_better=False)),
        ("fresh", EpochScoring(spam, name="f1_fresh", use_caching=False, lower_is_better=False)),
        ("train", EpochScoring(spam, name="f1_train", on_train=True, lower_is_better=False)),
    ]
    clf = BertClassifier(**{**settings, "max_epochs": 20}, early_stopping=20, callbacks=callbacks)
    clf.fit(*reviews)
    assert len(clf.history) == 20
    for name in ("train_loss", "valid_loss", "valid_acc", "dur", "f1_cached", "f1_train"):
        assert np.isfinite(clf.history[:, name]).all()
    assert clf.history[:, "f1_cached"] == clf.history[:, "f1_fresh"]
    assert clf.history[-1, "f1_train"] > 0.9
    assert clf.history[-1, "train_loss"] < clf.history[0, "train_loss"]


def test_early_stopping_restores_the_best_epoch(settings, reviews):
    X, y = np.array(reviews[0], dtype=object), reviews[1]
    y = np.where(np.random.default_rng(0).random(60) < 0.4, "up", y)
    kept = {}

    class Keep(EpochScoring):
        def on_epoch_end(self, net, **kwargs):
            kept[len(net.history)] = net.module_.head.weight.detach().clone()

    settings = {**settings, "max_epochs": 80, "lr": 3e-2, "lr_schedule": "constant"}
    clf = BertClassifier(
        **settings, early_stopping=3, validation_fraction=0.3, callbacks=[Keep("accuracy")]
    ).fit(X, y)
    losses = clf.history[:, "valid_loss"]
    best = int(np.argmin(losses)) + 1
    assert best < len(losses)
    assert torch.equal(clf.module_.head.weight, kept[best])
    assert not torch.equal(clf.module_.head.weight, kept[len(losses) - 1])


def test_skorch_early_stopping_needs_rows_held_out(settings, reviews):
    clf = BertClassifier(**settings, callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match="early_stopping=True instead"):
        clf.fit(*reviews)
    split = clone(clf).set_params(train_split=ValidSplit(3, stratified=True))
    assert np.isfinite(split.fit(*reviews).history[:, "valid_loss"]).all()
    on_train = EarlyStopping(monitor="train_loss", patience=2, threshold=10.0)
    clf = clone(clf).set_params(callbacks=[on_train], max_epochs=9).fit(*reviews)
    assert len(clf.history) < 9


class Parts(BertClassifier):
    """Keeps which rows it trained on and which it held out."""

    def get_split_datasets(self, X, y=None, **fit_params):
        train, valid = super().get_split_datasets(X, y, **fit_params)
        self.rows_ = np.array(train.indices), np.array(valid.indices)
        return train, valid


@pytest.mark.parametrize("method", ["uniform", "quality", "imp", "dimp", "own"])
@pytest.mark.parametrize("how", ["early_stopping", "train_split"])
def test_only_real_rows_are_held_out(settings, reviews, method, how):
    X, y = reviews
    synthetic = np.arange(60) >= 20
    weights = RowWeights(np.linspace(0.5, 1.5, 60), synthetic)
    if method != "own":
        weighter = SyntheticWeighter(method, checker=checker())
        weights = weighter.fit(X, y, synthetic=synthetic).row_weights_
    hold = {"early_stopping": True, "validation_fraction": 0.2}
    if how == "train_split":
        hold = {"train_split": ValidSplit(5, stratified=True)}
    clf = Parts(**settings, **hold, max_epochs=1).fit(X, y, row_weights=weights)
    train, valid = clf.rows_
    assert sorted([*train, *valid]) == list(range(60))
    assert len(valid) == 10 if how == "early_stopping" else len(valid) > 1
    assert not synthetic[valid].any()


@pytest.mark.parametrize("n_real", [30, 0])
def test_the_loss_of_rows_held_out_by_hand(settings, reviews, n_real):
    """Real rows count alike; if all are synthetic, each counts by its quality."""
    X, y = reviews
    quality, synthetic = np.linspace(0.1, 0.9, 60), np.arange(60) >= n_real
    given = RowWeights(np.ones(60), synthetic, quality, Dimp().finisher(1.0))
    settings = {**settings, "lr": 1e-12, "max_epochs": 1, "label_smoothing": 0.0}
    clf = Parts(**settings, early_stopping=True).fit(X, y, row_weights=given)
    valid = clf.rows_[1]
    own = clf.predict_proba(X)[np.arange(60), (y == "up").astype(int)][valid]
    factors = 1.0 if n_real else quality[valid]
    expected = np.mean(-factors * np.log(own))
    assert clf.history[0, "valid_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("fraction", "n_valid"), [(0.05, 3), (0.3, 6), (0.9, 11)])
def test_half_of_the_real_rows_stay_in_training(settings, reviews, fraction, n_valid):
    """Beside many synthetic rows, the fraction of all of them may be all of the real ones."""
    found = RowWeights(np.ones(60), np.arange(60) >= 12)
    hold = {"early_stopping": True, "validation_fraction": fraction, "max_epochs": 1}
    clf = Parts(**settings, **hold).fit(*reviews, row_weights=found)
    assert len(clf.rows_[1]) == n_valid


def checker():
    return make_pipeline(CountVectorizer(), LogisticRegression())


def test_rows_held_out_are_real_after_rows_of_weight_zero_are_gone(settings, reviews):
    X, y = reviews
    weights = RowWeights(np.arange(60) % 3 > 0, np.arange(60) < 40)
    clf = Parts(**settings, early_stopping=True, max_epochs=1).fit(X, y, row_weights=weights)
    used = np.flatnonzero(weights.sample_weight)
    assert (used[clf.rows_[1]] >= 40).all()


def test_without_real_rows_synthetic_ones_are_held_out(settings, reviews):
    found = RowWeights(np.ones(60), np.ones(60, dtype=bool))
    clf = Parts(**settings, early_stopping=True, max_epochs=1).fit(*reviews, row_weights=found)
    assert len(clf.rows_[1]) == 6


@pytest.mark.parametrize("fraction", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("shared", [False, True])
def test_a_text_of_each_class_is_trained_on(settings, fraction, shared):
    X = np.array([f"good film {i}" for i in range(10)], dtype=object)
    y = np.repeat(list("abcde"), 2)
    if shared:  # the only text of "f" is one of "a"
        X, y = np.append(X, "Good film  0"), np.append(y, "f")
    hold = {"early_stopping": True, "validation_fraction": fraction}
    train, valid = Parts(**settings, **hold, max_epochs=1).fit(X, y).rows_
    assert set(y[train]) == set(y)
    assert len(valid)
    assert not {0, 10} & set(valid) or not shared


def test_skorch_train_split_and_callbacks(settings, reviews, tmp_path):
    from skorch.dataset import Dataset, ValidSplit
    from skorch.helper import predefined_split

    X, y = reviews
    rate = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    point = Checkpoint(dirname=tmp_path, monitor="valid_loss_best", load_best=True)
    settings = {**settings, "lr_schedule": "constant", "warmup": 0.0}
    clf = BertClassifier(
        **settings, train_split=ValidSplit(3, stratified=True), callbacks=[rate, point]
    ).fit(X, y)
    assert np.isfinite(clf.history[:, "valid_acc"]).all()
    assert clf.optimizer_.param_groups[0]["lr"] < settings["lr"]
    clf = BertClassifier(
        **settings, train_split=predefined_split(Dataset(np.array(X[:10]), y[:10]))
    )
    assert np.isfinite(clf.fit(X, y).history[:, "valid_loss"]).all()


@pytest.mark.parametrize("own", [{}, {"lr_schedule": "constant"}, {"warmup": 0.0}])
def test_a_callback_whose_learning_rate_would_be_undone_is_refused(settings, reviews, own):
    rate = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    with pytest.raises(ValueError, match='pass lr_schedule="constant" and warmup=0'):
        BertClassifier(**settings, **own, callbacks=[rate]).fit(*reviews)


def test_warm_start_and_partial_fit_go_on(settings, reviews):
    X, y = reviews
    warm = BertClassifier(**settings, warm_start=True).fit(X, y)
    loss = warm.history[-1, "train_loss"]
    warm.fit(X, y)
    assert len(warm.history) == 2 * warm.max_epochs
    assert warm.history[-1, "train_loss"] < loss
    assert warm.optimizer_.param_groups[0]["lr"] == settings["lr"]

    step = BertClassifier(**settings)
    step.partial_fit(X[:1], y[:1], classes=["down", "up"]).partial_fit(X, y)
    assert step.classes_.tolist() == ["down", "up"]
    assert len(step.history) == 2 * step.max_epochs
    with pytest.raises(ValueError, match=r"'sideways' at position 1.*classes="):
        step.partial_fit(X[:2], ["up", "sideways"])
    with pytest.raises(ValueError, match="classes has the label 'sideways'"):
        step.partial_fit(X, y, classes=["down", "sideways", "up"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label_smoothing", 0.9),
        ("weight_decay", 5.0),
        ("dropout", 0.5),
        ("precision", "bfloat16"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_that_goes_on_heeds_parameters_set(settings, reviews, name, value, method):
    first = BertClassifier(**settings, warm_start=True).fit(*reviews)
    plain, other, back = (pickle.loads(pickle.dumps(first)) for _ in range(3))
    before = first.get_params()[name]
    other.set_params(**{name: value})
    back.set_params(**{name: value}).set_params(**{name: before})
    p, changed, same = (
        getattr(clf, method)(*reviews).predict_proba(reviews[0]) for clf in (plain, other, back)
    )
    assert np.array_equal(same, p)
    assert np.abs(changed - p).max() > 1e-4
    assert other.optimizer_.param_groups[0]["lr"] == settings["lr"]


def test_early_stopping_set_after_the_first_fit(settings, reviews):
    clf = BertClassifier(**settings, max_epochs=1, warm_start=True).fit(*reviews)
    clf.set_params(early_stopping=1, max_epochs=60, lr=0.1).fit(*reviews)
    assert len(clf.history) < 61


def test_patience_set_after_the_first_fit(settings, reviews):
    clf = BertClassifier(**settings, early_stopping=True, warm_start=True).fit(*reviews)
    clf.set_params(early_stopping=1).fit(*reviews)
    assert [c.patience for _, c in clf.callbacks_ if hasattr(c, "patience")] == [1]


def test_biases_and_normalisation_layers_do_not_decay(settings, reviews):
    clf = BertClassifier(**settings, weight_decay=0.3, max_epochs=1).fit(*reviews)
    groups = clf.optimizer_.param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    found = {(p.ndim > 1, decays[id(p)]) for p in clf.module_.parameters()}
    assert found == {(True, 0.3), (False, 0.0)}


def test_dropout_of_the_encoder_again(settings, reviews):
    clf = BertClassifier(**{**settings, "dropout": 0.3, "max_epochs": 1}, warm_start=True)
    clf.fit(*reviews).set_params(dropout=None).fit(*reviews)
    layers = [m for m in clf.module_.modules() if isinstance(m, torch.nn.Dropout)]
    assert {layer.p for layer in layers} == {0.1}


@pytest.mark.parametrize(("name", "value"), [("pooling", "cls"), ("model", "all-MiniLM-L6-v2")])
def test_what_cannot_change_in_a_network_that_learns_on(settings, reviews, name, value):
    clf = BertClassifier(**settings, max_epochs=1, warm_start=True).fit(*reviews)
    clf.set_params(**{name: value})
    for train in (clf.fit, clf.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was set to '{value}'.*warm_start=False"):
            train(*reviews)
    if name == "pooling":
        clf.set_params(warm_start=False).fit(*reviews)
        assert clf.module_.pooling == "cls"


def test_gradient_clipping(settings, reviews):
    seen = []

    class Norm(EpochScoring):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            grads = [p.grad.norm() for _, p in named_parameters if p.grad is not None]
            seen.append(torch.stack(grads).norm().item())

    for bound in (0.01, None):
        seen.clear()
        BertClassifier(**settings, max_grad_norm=bound, callbacks=[Norm("accuracy")]).fit(*reviews)
        assert (max(seen) <= 0.0101) == (bound == 0.01)


def test_schedule_warms_up_and_falls(settings, reviews):
    rates = []

    class Rate(EpochScoring):
        def on_batch_begin(self, net, training=False, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    settings = {**settings, "batch_size": 6, "max_epochs": 2, "warmup": 0.25}
    BertClassifier(**settings, callbacks=[Rate("accuracy")]).fit(*reviews)
    assert len(rates) == 20
    assert rates[0] == 0
    assert int(np.argmax(rates)) == 5
    assert max(rates) == pytest.approx(settings["lr"])
    assert 0 < rates[-1] < settings["lr"] / 10


@pytest.mark.parametrize(
    ("X", "y", "error", "match"),
    [
        (["a", "b"], None, ValueError, "target y is None"),
        (["a", "b"], ["x"], ValueError, "2 texts and 1 labels"),
        (["a", "b"], ["x", "x"], ValueError, "one class: 'x'"),
        (["a", "b"], ["x", None], ValueError, "missing label.*position 1"),
        (["a", "b"], [1.0, np.nan], ValueError, "missing label.*position 1"),
        (["a", "b"], ["x", 1], TypeError, "one type"),
        (["a", "b", "c"], [0.1, 0.25, 7.5], ValueError, "continuous"),
        (["a", None], [0, 1], ValueError, "position 1"),
        ("ab", [0, 1], TypeError, "single string"),
        ([1, 2], [0, 1], TypeError, "position 0"),
        ([], [], ValueError, "0 texts"),
    ],
)
def test_bad_input(settings, X, y, error, match):
    with pytest.raises(error, match=match):
        BertClassifier(**settings).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "hinge"),
        ("max_epochs", 0),
        ("lr", -1.0),
        ("warmup", 1.0),
        ("pooling", "median"),
        ("early_stopping", 0.5),
        ("precision", "fp8"),
        ("class_weight", "even"),
        ("compile", "no"),
        ("callbacks", 5),
        ("train_split", "half"),
        ("classes", 2),
    ],
)
def test_bad_parameters(settings, reviews, name, value):
    with pytest.raises(ValueError, match=name):
        BertClassifier(**{**settings, name: value}).fit(*reviews)


def test_bad_class_weight(settings, reviews):
    with pytest.raises(ValueError, match="sideways"):
        BertClassifier(**settings, class_weight={"sideways": 2}).fit(*reviews)


def test_missing_model(settings, reviews, tmp_path):
    with pytest.raises(ModelNotFoundError, match="folder"):
        BertClassifier(**{**settings, "model": str(tmp_path / "none")}).fit(*reviews)
    with pytest.raises(ModelNotFoundError, match="could not be loaded"):
        BertClassifier(**{**settings, "model": str(tmp_path)}).fit(*reviews)


def test_too_little_memory_is_not_called_a_missing_model(settings, reviews, tmp_path, monkeypatch):
    not_yet_loaded = shutil.copytree(settings["model"], tmp_path / "model")

    def full(*args, **params):
        raise MemoryError

    monkeypatch.setattr(AutoModel, "from_pretrained", full)
    with pytest.raises(MemoryError):
        BertClassifier(**settings | {"model": not_yet_loaded}).fit(*reviews)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_compiled_is_close_and_three_compilations_serve_all(settings, fitted, reviews):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = BertClassifier(**{**settings, "max_epochs": 20}, compile=True).fit(*reviews)
    expected = fitted.predict_proba(reviews[0])
    np.testing.assert_allclose(compiled.predict_proba(reviews[0]), expected, atol=1e-3)
    again = pickle.loads(pickle.dumps(compiled))
    np.testing.assert_allclose(again.predict_proba(reviews[0]), expected, atol=1e-3)
    counted = torch._dynamo.utils.counters
    # For the start of the head, training, and prediction.
    assert counted["stats"]["unique_graphs"] <= 3
    assert not counted["graph_break"]


def test_bfloat16_is_close_to_float32(settings, reviews):
    X, y = reviews
    exact = BertClassifier(**{**settings, "max_epochs": 8}).fit(X, y)
    rough = BertClassifier(**{**settings, "max_epochs": 8, "precision": "bfloat16"}).fit(X, y)
    assert np.abs(rough.predict_proba(X) - exact.predict_proba(X)).mean() < 0.05
    assert all(p.dtype == torch.float32 for p in rough.module_.parameters())


def test_tags():
    tags = get_tags(BertClassifier(random_state=0))
    assert is_classifier(BertClassifier())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.non_deterministic
    assert tags.target_tags.required


@pytest.mark.slow
def test_embedded_encoder_learns_with_defaults():
    texts = ["a wonderful film", "I loved it", "a terrible film", "I hated it"] * 8
    labels = ["pos", "pos", "neg", "neg"] * 8
    clf = BertClassifier(random_state=0, batch_size=8).fit(texts, labels)
    assert clf.predict(["what a lovely movie", "what an awful movie"]).tolist() == ["pos", "neg"]


class OwnLoss(torch.nn.Module):
    """A criterion that knows nothing of smoothing."""

    def __init__(self, reduction):
        super().__init__()

    def forward(self, logits, y):
        return torch.nn.functional.cross_entropy(logits, y, reduction="none")


def test_label_smoothing_is_of_the_default_criterion(settings, reviews):
    X, y = reviews
    sure, unsure = (
        BertClassifier(**settings, label_smoothing=value).fit(X, y) for value in (0.0, 0.4)
    )
    certain = [clf.predict_proba(X).max(axis=1).mean() for clf in (sure, unsure)]
    assert certain[1] < certain[0]
    own = BertClassifier(**settings, criterion=OwnLoss).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(own, sure.predict_proba(X), atol=1e-6)
    asked = BertClassifier(**settings, criterion__label_smoothing=0.4).fit(X, y)
    assert np.array_equal(asked.predict_proba(X), unsure.predict_proba(X))
