"""Local causal language models, by transformers."""

import os
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["TransformersGenerator"]

_ALGORITHM = 1  # raised whenever the same request may get another answer
_SMALL = 1_000_000_000


class TransformersGenerator(BaseGenerator):
    """A causal language model on this machine."""

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str, os.PathLike],
        "prompting": [StrOptions({"auto", "completion", "chat"})],
        "temperature": [Interval(Real, 0, None, closed="left")],
        "top_p": [Interval(Real, 0, 1, closed="right")],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "min_p": [Interval(Real, 0, 1, closed="both"), None],
        "max_new_tokens": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "dtype": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = EMBEDDED_LANGUAGE_MODEL,
        *,
        prompting: str = "auto",
        temperature: float = 1.0,
        top_p: float = 0.95,
        top_k: int | None = None,
        min_p: float | None = None,
        max_new_tokens: int = 64,
        batch_size: int = 64,
        device: str = "auto",
        dtype: str = "auto",
    ) -> None:
        self.model = model
        self.prompting = prompting
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k
        self.min_p = min_p
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype

    @property
    def model_name(self) -> str:
        """Name of the model, without the folders of a path."""
        return os.path.basename(os.path.normpath(os.fspath(self.model)))

    @property
    def prompt_form(self) -> str:
        """``"completion"`` or ``"chat"``; may have to load the model to tell."""
        if self.prompting != "auto":
            return self.prompting
        if os.fspath(self.model) == EMBEDDED_LANGUAGE_MODEL:
            return "completion"  # known to be small: no need to load it for that
        loaded = self._load()
        small = loaded.model.num_parameters() < _SMALL
        return "completion" if small or not loaded.tokenizer.chat_template else "chat"

    def cache_key(self) -> dict[str, Any]:
        """All that determines an answer beside the request."""
        from sklw.generators._loading import resolve_device, resolve_dtype

        device = resolve_device(self.device)
        return {
            "backend": "transformers",
            "algorithm": _ALGORITHM,
            "model": locate_model(self.model).fingerprint,
            "dtype": str(resolve_dtype(self.dtype, device)).removeprefix("torch."),
            "device": device.type,
            "prompt_form": self.prompt_form,
            "temperature": float(self.temperature),
            "top_p": float(self.top_p),
            "top_k": None if self.top_k is None else int(self.top_k),
            "min_p": None if self.min_p is None else float(self.min_p),
            "max_new_tokens": int(self.max_new_tokens),
        }

    def _load(self) -> Any:
        from sklw.generators._loading import load_model, resolve_device, resolve_dtype

        device = resolve_device(self.device)
        return load_model(self.model, resolve_dtype(self.dtype, device), device)

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)``, each as soon as it is complete."""
        self._validate_params()
        requests = list(requests)
        if not requests:
            return
        import torch

        from sklw.generators._decoding import decode
        from sklw.generators._sampling import SamplingSettings

        loaded = self._load()
        tasks = {i: self._task(loaded, i, request) for i, request in enumerate(requests)}
        settings = SamplingSettings(self.temperature, self.top_p, self.top_k, self.min_p)
        batch_size = self.batch_size
        while tasks:
            try:
                for task, text, reason in decode(
                    loaded, list(tasks.values()), settings, batch_size
                ):
                    del tasks[task.index]
                    yield task.index, Completion(text, len(task.prompt), len(task.tokens), reason)
            except torch.OutOfMemoryError:
                if batch_size == 1:
                    raise
                batch_size = max(1, min(batch_size, len(tasks)) // 2)
                for task in tasks.values():
                    task.tokens.clear()

    def _task(self, loaded: Any, index: int, request: Request) -> Any:
        from sklw.generators._decoding import Task
        from sklw.generators._sampling import seed_state

        tokens = self._encode(loaded, request)
        limit = request.max_new_tokens or self.max_new_tokens
        if loaded.context is not None:
            if len(tokens) >= loaded.context:
                raise ValueError(
                    f"The prompt of request {index} has {len(tokens)} tokens, but {self.model_name!r} "
                    f"reads at most {loaded.context} with the answer included. Show it fewer or "
                    "shorter examples, or use a model with a longer context."
                )
            limit = min(limit, loaded.context - len(tokens))
        return Task(index, tokens, seed_state(request.seed), limit, request.stop)

    def _encode(self, loaded: Any, request: Request) -> list[int]:
        tokenizer = loaded.tokenizer
        if isinstance(request.prompt, str):
            tokens = tokenizer(request.prompt, verbose=False)["input_ids"]
        else:
            if not tokenizer.chat_template:
                raise ValueError(
                    f"{self.model_name!r} has no chat template, so it cannot answer a "
                    "conversation. Set prompting='completion' and pass the prompt as a text."
                )
            turns = [{"role": role, "content": content} for role, content in request.prompt]
            text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        if tokens:
            return list(tokens)
        for start in (tokenizer.bos_token_id, tokenizer.eos_token_id):
            if start is not None:
                return [start]
        raise ValueError(
            "The prompt is empty; write at least one word for the model to go on from."
        )
