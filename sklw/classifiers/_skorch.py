"""skorch's classifier with the conventions of scikit-learn."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from skorch import NeuralNetClassifier
from skorch.exceptions import NotInitializedError

from sklw._hardware import choose_device, resolve_device

__all__ = ["ScikitLearnNet"]


class ScikitLearnNet(NeuralNetClassifier):
    """A net with ``device="auto"`` and scikit-learn's repr, tags and errors."""

    @property
    def device(self) -> str:
        """The device in use; ``get_params`` gives the parameter, which may be ``"auto"``."""
        return resolve_device(self.__dict__["device"])

    @device.setter
    def device(self, value: str) -> None:
        self.__dict__["device"] = value

    def _get_param_names(self) -> list[str]:
        return [name for name in super()._get_param_names() if not name.startswith("_")]

    def get_params(self, deep: bool = True, **kwargs: Any) -> dict[str, Any]:
        """Get the parameters, those of callbacks included."""
        params = super().get_params(deep=deep, **kwargs)
        params["device"] = self.__dict__["device"]
        return params

    def _validate_settings(self) -> None:
        """Check the values of the parameters; skorch checks only their names."""
        BaseEstimator._validate_params(self)
        choose_device(self.device)

    def __setstate__(self, state: dict[str, Any]) -> None:
        requested = state["device"]
        super().__setstate__({**state, "device": resolve_device(requested)})
        if requested == "auto":
            self.device = requested

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load weights, optimizer or history: see :meth:`skorch.NeuralNet.load_params`."""
        requested = self.__dict__["device"]
        super().load_params(*args, **kwargs)
        self.head_is_fitted_ = True
        if requested == "auto":
            self.device = requested

    __repr__ = BaseEstimator.__repr__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = self.random_state is None
        return tags

    def check_is_fitted(self, attributes: Any = None, *args: Any, **kwargs: Any) -> None:
        """Raise NotFittedError unless there is a network."""
        try:
            super().check_is_fitted(attributes, *args, **kwargs)
        except NotInitializedError as error:
            raise NotFittedNetError(
                f"This {type(self).__name__} instance is not fitted yet. Call fit(X, y) first."
            ) from error


class NotFittedNetError(NotInitializedError, NotFittedError):
    """The error of skorch and of scikit-learn in one."""
