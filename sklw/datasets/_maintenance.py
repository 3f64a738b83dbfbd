"""The bundled corpus of maintenance requests."""

from importlib.resources import files
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

__all__ = ["load_maintenance_requests"]

_LABEL_DESCRIPTIONS = {
    "hazard": (
        "something dangerous is happening to the tenant right now, such as gas, fire, smoke, "
        "electric shock, flooding, falling parts of the building, an intruder or a trapped person"
    ),
    "routine": "a small repair that can wait, a question, a complaint or thanks",
}


def load_maintenance_requests(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the bundled corpus: messages from tenants to a property manager.

    Short English texts of two classes, ``"routine"`` (332) and ``"hazard"`` (110), written by hand
    for this package. The classes share much of their vocabulary, so that a linear model is far
    from perfect.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects instead of arrays.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : ndarray of object of shape (442,), or Series
            The messages.
        target : ndarray of str of shape (442,), or Series
            The label of each message.
        frame : DataFrame of shape (442, 2), or None
            Columns ``text`` and ``label``; None unless `as_frame`.
        target_names : ndarray of str of shape (2,)
            The classes, sorted.
        label_descriptions : dict of str to str
            What each class means, for ``LLMOverSampler(label_descriptions=...)``.
        task : str
            What the messages are, for ``LLMOverSampler(task=...)``.
        DESCR : str
            Description of the corpus.
    (data, target) : tuple
        If `return_X_y` is True.

    Examples
    --------
    >>> from sklw.datasets import load_maintenance_requests
    >>> requests = load_maintenance_requests()
    >>> requests.data.shape
    (442,)
    >>> requests.target_names.tolist()
    ['hazard', 'routine']
    """
    folder = files("sklw.datasets") / "data"
    with (folder / "maintenance_requests.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    data: Any = frame["text"]
    target: Any = frame["label"]
    target_names = target.unique()
    if not as_frame:
        data = data.to_numpy(dtype=object)
        target = target.to_numpy(dtype=object).astype(str)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame if as_frame else None,
        target_names=pd.Series(target_names).sort_values().to_numpy(dtype=object).astype(str),
        label_descriptions=dict(_LABEL_DESCRIPTIONS),
        task="messages that tenants send to the manager of their building",
        DESCR=(folder / "maintenance_requests.rst").read_text(encoding="utf-8"),
    )
