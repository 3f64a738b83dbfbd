"""Local causal language models, by transformers."""

import os
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any

from jinja2 import TemplateError

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["TransformersGenerator"]

_ALGORITHM = 3  # raised whenever the same request may get another answer
_SMALL = 1_000_000_000


class TransformersGenerator(BaseGenerator):
    r"""A causal language model on this machine.

    The same request gets the same text whatever else is in the batch: `batch_size`, the order of
    the requests and their number only change the speed. This holds bit for bit on a CPU; on a
    GPU, matrix products may round differently for another number of rows, and a draw that falls
    between two roundings then changes its text. Models are loaded on first use, and the last two
    stay in memory, so that clones need not load them again.

    Parameters
    ----------
    model : str or path, default="SmolLM2-135M-Instruct"
        The embedded model, a folder in transformers' format, a ``.gguf`` file, or a hub id.
        The converted weights of small GGUF files (below 500 MB) are kept in
        ``$SKLW_CACHE/models``, by default ``~/.cache/sklw/models``, one for each file, `dtype`
        and version of transformers; they can be deleted at any time.
    prompting : {"auto", "completion", "chat"}, default="auto"
        Whether the model gets a text to continue or a conversation. ``"auto"`` stands for a
        conversation if the model has a chat template and at least a billion parameters.
    temperature : float, default=0.8
        Divides the logits; 0 takes the most likely token at each step.
    top_p : float, default=0.9
        Draw from the smallest set of most likely tokens that holds this probability mass;
        1 keeps all tokens.
    top_k : int or None, default=None
        Draw from this many most likely tokens; applied before `top_p`.
    min_p : float or None, default=None
        Exclude tokens less likely than this fraction of the most likely token's probability.
    max_new_tokens : int, default=256
        Maximum length of an answer in tokens; a request may ask for less.
    batch_size : int or "auto", default="auto"
        Number of answers generated at once; halved automatically when a GPU runs out of memory.
        ``"auto"`` stands for 64, on a GPU 256, or as many as fit into half of the free memory.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``; ``"auto"`` uses a GPU if there is one.
    dtype : {"auto", "float32", "bfloat16"}, default="auto"
        Type of the weights; ``"auto"`` uses bfloat16 if the hardware is faster in it.
    compile : bool, default=False
        Whether to use ``torch.compile`` for decoding, with CUDA graphs on a GPU. Compiling takes
        a minute or two in each process and gains little on a CPU. Each step then computes
        `batch_size` rows even if fewer are left, and rounding changes a draw now and then.

    Warns
    -----
    GenerationWarning
        If answers cannot be held to the pattern of a table's rows, or the model takes a slower way
        of decoding, in which `compile` has no effect.

    Examples
    --------
    >>> from sklw.generators import Request, TransformersGenerator
    >>> generator = TransformersGenerator(temperature=0.7, max_new_tokens=20)
    >>> request = Request("A short message: ", seed=0, stop=("\n",))
    >>> [completion] = generator.generate([request])  # doctest: +SKIP
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str, os.PathLike],
        "prompting": [StrOptions({"auto", "completion", "chat"})],
        "temperature": [Interval(Real, 0, None, closed="left")],
        "top_p": [Interval(Real, 0, 1, closed="right")],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "min_p": [Interval(Real, 0, 1, closed="both"), None],
        "max_new_tokens": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "device": [str],
        "dtype": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = EMBEDDED_LANGUAGE_MODEL,
        *,
        prompting: str = "auto",
        temperature: float = 0.8,
        top_p: float = 0.9,
        top_k: int | None = None,
        min_p: float | None = None,
        max_new_tokens: int = 256,
        batch_size: int | str = "auto",
        device: str = "auto",
        dtype: str = "auto",
        compile: bool = False,
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
        self.compile = compile

    @property
    def model_name(self) -> str:
        """Name of the model, without the folders of a path."""
        return os.path.basename(os.path.normpath(os.fspath(self.model)))

    @property
    def prompt_form(self) -> str:
        """``"completion"`` or ``"chat"``; the model may have to be loaded to find out."""
        if self.prompting != "auto":
            return self.prompting
        if os.fspath(self.model) == EMBEDDED_LANGUAGE_MODEL:
            return "completion"  # known to be small: no need to load it for that
        loaded = self._load()
        small = loaded.model.num_parameters() < _SMALL
        return "completion" if small or not loaded.tokenizer.chat_template else "chat"

    def cache_key(self) -> dict[str, Any]:
        """Return everything that determines an answer besides the request."""
        dtype, device = self._hardware()
        return {
            "backend": "transformers",
            "algorithm": _ALGORITHM,
            "model": locate_model(self.model).fingerprint,
            "dtype": str(dtype).removeprefix("torch."),
            "device": device.partition(":")[0],
            "prompt_form": self.prompt_form,
            "temperature": float(self.temperature),
            "top_p": float(self.top_p),
            "top_k": None if self.top_k is None else int(self.top_k),
            "min_p": None if self.min_p is None else float(self.min_p),
            "max_new_tokens": int(self.max_new_tokens),
            **({"compile": True} if self.compile else {}),
        }

    def count_tokens(self, prompt: str | tuple[tuple[str, str], ...]) -> int:
        """Count the tokens of a prompt.

        Parameters
        ----------
        prompt : str or tuple of (role, content) pairs
            As in a request.

        Returns
        -------
        n_tokens : int
            Number of tokens that the model would read.
        """
        return len(self._encode(self._load_base(), Request(prompt, 0)))

    @property
    def context_length(self) -> int | None:
        """Maximum number of tokens, the answer included, if the model declares one."""
        context: int | None = self._load_base().context
        return context

    def _load(self) -> Any:
        return self._load_base()

    def _load_base(self) -> Any:
        from sklw.generators._decoding.loading import load_model

        return load_model(self.model, *self._hardware())

    def _hardware(self) -> tuple[Any, str]:
        from sklw._hardware import choose_device, choose_precision

        device = choose_device(self.device)
        return choose_precision(self.dtype, device), device

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)``, each as soon as it is complete.

        Parameters
        ----------
        requests : sequence of Request
            The requests, with texts (completion form) or conversations (chat form).

        Yields
        ------
        index : int
            Position of a request.
        completion : Completion
            Its answer.

        Raises
        ------
        ModelNotFoundError
            If the model cannot be loaded.
        ValueError
            If a prompt is empty or too long for the model, or is a conversation and the model
            has no chat template. Nothing has been generated then.
        """
        self._validate_params()
        requests = list(requests)
        if not requests:
            return
        import torch

        from sklw.generators._decoding.lockstep import decode
        from sklw.generators._decoding.memory import fitting_batch_size
        from sklw.generators._decoding.sampling import SamplingSettings

        loaded = self._load()
        tasks = {i: self._task(loaded, i, request) for i, request in enumerate(requests)}
        # Not in NumPy's precision, of which the cache knows nothing.
        min_p = None if self.min_p is None else float(self.min_p)
        settings = SamplingSettings(float(self.temperature), float(self.top_p), self.top_k, min_p)
        batch_size = self.batch_size
        if isinstance(batch_size, str):
            batch_size = fitting_batch_size(loaded.model, max(t.room for t in tasks.values()))
        while tasks:
            try:
                for task, text, reason in decode(
                    loaded, list(tasks.values()), settings, batch_size, self.compile
                ):
                    del tasks[task.index]
                    yield task.index, Completion(text, len(task.prompt), len(task.tokens), reason)
            except torch.OutOfMemoryError:
                if batch_size == 1:
                    raise
                batch_size = max(1, min(batch_size, len(tasks)) // 2)
                for task in tasks.values():
                    task.restart()

    def _task(self, loaded: Any, index: int, request: Request) -> Any:
        from sklw.generators._decoding.constraints import matcher_for
        from sklw.generators._decoding.sampling import seed_state
        from sklw.generators._decoding.tasks import Task

        tokens = self._encode(loaded, request)
        limit = int(min(request.max_new_tokens or self.max_new_tokens, self.max_new_tokens))
        if loaded.context is not None:
            if len(tokens) >= loaded.context:
                raise ValueError(
                    f"The prompt of request {index} has {len(tokens)} tokens, but "
                    f"{self.model_name!r} reads at most {loaded.context}, the answer included. "
                    "Show it fewer or shorter examples, or use a model with a longer context."
                )
            limit = min(limit, loaded.context - len(tokens))
        matcher = matcher_for(loaded, request.pattern)
        return Task(index, tokens, seed_state(request.seed), limit, request.stop, matcher=matcher)

    def _encode(self, loaded: Any, request: Request) -> list[int]:
        tokenizer = loaded.tokenizer
        if isinstance(request.prompt, str):
            tokens = loaded.read(request.prompt)
        else:
            if not tokenizer.chat_template:
                raise ValueError(
                    f"{self.model_name!r} has no chat template, so it cannot answer a "
                    "conversation. Set prompting='completion' and pass the prompt as a text."
                )
            turns = [{"role": role, "content": content} for role, content in request.prompt]
            # Templates that do not know enable_thinking ignore it.
            try:
                text = tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            except TemplateError as error:
                raise ValueError(
                    f"The chat template of {self.model_name!r} refuses this conversation of "
                    f"{', '.join(role for role, _ in request.prompt)}: {error}. Use the roles that "
                    "it knows, or set prompting='completion'."
                ) from error
            tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        if tokens:
            return list(tokens)
        for start in (tokenizer.bos_token_id, tokenizer.eos_token_id):
            if start is not None:
                return [start]
        raise ValueError("The prompt is empty; write at least one word for the model to continue.")
