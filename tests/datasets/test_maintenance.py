import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from sklw.datasets import load_maintenance_requests


def test_shapes_and_dtypes():
    bunch = load_maintenance_requests()
    assert bunch.data.shape == bunch.target.shape == (442,)
    assert bunch.data.dtype == object
    assert all(type(text) is str for text in bunch.data)
    assert dict(zip(*np.unique(bunch.target, return_counts=True), strict=True)) == {
        "hazard": 110,
        "routine": 332,
    }
    assert set(bunch.label_descriptions) == set(bunch.target_names)
    assert "routine" in bunch.DESCR
    assert bunch.frame is None


def test_frames_and_arrays_hold_the_same():
    data, target = load_maintenance_requests(return_X_y=True)
    bunch = load_maintenance_requests(as_frame=True)
    assert isinstance(bunch.data, pd.Series)
    assert bunch.frame.columns.tolist() == ["text", "label"]
    assert bunch.data.tolist() == data.tolist()
    assert bunch.target.tolist() == target.tolist()


def test_description_states_the_lengths():
    words = [len(text.split()) for text in load_maintenance_requests().data]
    assert (min(words), max(words)) == (4, 45)
    assert round(np.mean(words)) == 18


def test_no_near_duplicates():
    texts = load_maintenance_requests().data
    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(texts)
    similarity = (features @ features.T).toarray()
    np.fill_diagonal(similarity, 0)
    assert similarity.max() < 0.7
