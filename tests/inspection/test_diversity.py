import numpy as np
import pandas as pd
import pytest

from sklw.datasets import load_maintenance_requests
from sklw.inspection import diversity_report

CORPUS = load_maintenance_requests()
HAZARDS = list(CORPUS.data[CORPUS.target == "hazard"][:60])
ROUTINE = list(CORPUS.data[CORPUS.target == "routine"][:60])
REAL = [*HAZARDS[:30], *ROUTINE[:30]]
LABELS = ["hazard"] * 30 + ["routine"] * 30


def report(made, labels, **kwargs):
    synthetic = np.arange(len(REAL) + len(made)) >= len(REAL)
    return diversity_report([*REAL, *made], [*LABELS, *labels], synthetic, **kwargs)


def test_more_real_texts_look_like_real_texts():
    found = report(HAZARDS[30:], ["hazard"] * 30)
    real, made = found.loc[("hazard", "real")], found.loc[("hazard", "synthetic")]
    assert made["texts"] == 30
    assert made["copies"] == 0
    for column in ("words", "distinct_2", "spread", "distance_to_real"):
        assert made[column] == pytest.approx(real[column], rel=0.25)
    assert found.index.tolist() == [
        ("hazard", "real"), ("hazard", "synthetic"), ("routine", "real"),
    ]  # fmt: skip


def test_repeats_and_copies_are_seen():
    repeated = report([HAZARDS[40]] * 30, ["hazard"] * 30).loc[("hazard", "synthetic")]
    assert repeated["spread"] == pytest.approx(0, abs=1e-3)
    assert repeated["distinct_1"] < 0.05
    assert repeated["copies"] == 0
    copies = report([text.upper() + " " for text in HAZARDS[:30]], ["hazard"] * 30)
    assert copies.loc[("hazard", "synthetic"), "copies"] == 1
    assert copies.loc[("hazard", "synthetic"), "distance_to_real"] < 0.02


def test_texts_of_another_class_are_seen():
    right = report(HAZARDS[30:], ["hazard"] * 30).loc[("hazard", "synthetic")]
    wrong = report(ROUTINE[30:], ["hazard"] * 30).loc[("hazard", "synthetic")]
    assert wrong["label_agreement"] < right["label_agreement"]
    assert wrong["distance_to_real"] > right["distance_to_real"]


def test_parents_do_not_vouch_for_their_copies():
    # Copies of routine texts under another label: whoever saw the parents knows better.
    made = [text + "!" for text in ROUTINE[:30]]
    parents = [np.array([30 + i]) for i in range(30)]
    by_all = report(made, ["hazard"] * 30).loc[("hazard", "synthetic"), "label_agreement"]
    by_others = report(made, ["hazard"] * 30, parents=parents)
    assert by_others.loc[("hazard", "synthetic"), "label_agreement"] >= by_all


def test_synthetic_parents_count_for_nothing():
    made = [HAZARDS[30], *ROUTINE[30:]]
    unknown = report(made, ["hazard"] * 31, parents=[np.array([], dtype=int)] * 31)
    synthetic = report(made, ["hazard"] * 31, parents=[[61]] + [[60]] * 30)
    pd.testing.assert_frame_equal(synthetic, unknown)


def test_parents_of_synthetic_parents_count():
    made = [*(text + "!" for text in ROUTINE[:30]), *(text + "?" for text in ROUTINE[:30])]
    direct = [[30 + i] for i in range(30)]
    by_others, by_all = (
        report(made, ["hazard"] * 60, parents=direct + own).loc[("hazard", "synthetic")]
        for own in ([[60 + i] for i in range(30)], [[]] * 30)
    )
    honest = report(made, ["hazard"] * 60, parents=direct * 2).loc[("hazard", "synthetic")]
    assert by_others["label_agreement"] == honest["label_agreement"]
    assert by_others["label_agreement"] != by_all["label_agreement"]


def test_too_few_texts_to_tell_are_nan():
    found = diversity_report(["one text"], ["a"], [False]).loc[("a", "real")]
    assert found[["spread", "distance_to_real", "label_agreement"]].isna().all()
    assert found["texts"] == 1


def test_containers_and_types_of_labels():
    given = pd.Series([*REAL, HAZARDS[40]])
    synthetic = pd.Series([False] * 60 + [True])
    found = diversity_report(given, pd.Series([0] * 30 + [1] * 30 + [0]), synthetic)
    assert found.loc[(0, "synthetic"), "texts"] == 1


@pytest.mark.parametrize(
    ("synthetic", "parents", "message"),
    [
        ([True] * 60, None, "All texts are synthetic"),
        ([False] * 59, None, "inconsistent numbers"),
        ([False] * 59 + [True], [[1], [2]], "parents has 2 entries for 1"),
        ([False] * 59 + [True], [[-1]], "counted from 0"),
        ([False] * 59 + [True], [[60]], "counted from 0"),
        ([False] * 59 + [True], [[1.5]], "whole row numbers"),
    ],
)
def test_wrong_input_is_refused(synthetic, parents, message):
    with pytest.raises(ValueError, match=message):
        diversity_report(REAL, LABELS, synthetic, parents)
    with pytest.raises(TypeError, match="synthetic_mask_"):
        diversity_report(REAL, LABELS, [0] * 60)
    with pytest.raises(TypeError, match="labels of one type"):
        diversity_report(REAL, [1, *LABELS[1:]], [False] * 60)
    with pytest.raises(ValueError, match="missing label at position 0"):
        diversity_report(REAL, [None, *LABELS[1:]], [False] * 60)


def test_the_only_real_text_of_a_class_is_judged_by_nobody():
    X = ["win a prize now", "see you at eight", "are you home", "call me later", "free prizes"]
    y = ["spam", "ham", "ham", "ham", "spam"]
    agreement = diversity_report(X, y, [False] * 4 + [True])["label_agreement"]
    assert np.isnan(agreement["spam", "real"])
    assert agreement.drop(("spam", "real")).notna().all()


def test_words_of_scripts_without_spaces_are_counted():
    texts = ["包裹没到，退款", "包裹没到，快退款", "您好", "谢谢"]
    found = diversity_report(texts, ["a", "a", "b", "b"], [False] * 4)
    assert found.loc[("a", "real"), "words"] == pytest.approx(7.5)
    assert found.loc[("a", "real"), "distinct_1"] == pytest.approx(8 / 15)
