"""Train a causal language model on prompts and answers."""

import contextlib
import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError

from sklw._encoders.batches import length_bucketed_batches
from sklw._hardware import autocast, seeded
from sklw._progress import progress
from sklw._writing import write_by
from sklw.generators._decoding.loading import LoadedModel
from sklw.generators._tuning import FullTuning, LoRA

__all__ = ["fine_tuned", "fingerprint"]

Pairs = Callable[[np.random.Generator], Sequence[tuple[str, str]]]

_ALGORITHM = 4  # raised whenever the same settings may give another model
_WARM_UP = 10  # steps
_WINDOW = 16  # batches within which rows are sorted by length
_IGNORED = -100


def fingerprint(base: str, pairs: Pairs, training: LoRA | FullTuning, seed: int) -> str:
    """Identify a training: by the model, the rows and the settings."""
    rows = pairs(np.random.default_rng([seed, 0]))
    settings = [type(training).__name__, training.get_params(), seed]
    content = [_ALGORITHM, base, settings, [list(pair) for pair in rows]]
    text = json.dumps(content, default=lambda number: number.item())  # NumPy's, in a search
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def fine_tuned(
    base: LoadedModel,
    pairs: Pairs | None,
    training: LoRA | FullTuning,
    seed: int,
    folder: Path | None,
    *,
    verbose: bool,
) -> LoadedModel:
    """Train a copy of a model, or read the result of the same training from its folder.

    `pairs` is None where the training is known to have been done.
    """
    model = copy.deepcopy(base.model)
    if isinstance(training, LoRA):
        with seeded(seed, str(base.device)):
            model = _with_lora(model, int(training.rank))
    else:
        model = model.float().requires_grad_(True)
    weights = None if folder is None else folder / "weights.pt"
    kept = _read(weights, base.device)
    if kept is not None and set(kept) == set(_trained(model)):
        _restore(model, kept)
    elif pairs is None:
        raise NotFittedError(
            "The weights of this generator are neither in memory any more nor on disk. Call "
            "fit_resample again, or set folder, where they are kept."
        )
    else:
        _train(model, base, pairs, training, seed, folder, verbose=verbose)
        if weights is not None:
            _save(_trained(model), weights)
            with contextlib.suppress(OSError):
                (weights.parent / "unfinished.pt").unlink()
    if isinstance(training, LoRA):
        model = model.merge_and_unload()
    model = model.to(base.model.dtype).eval().requires_grad_(False)
    return replace(base, model=model, memo={})


def _with_lora(model: Any, rank: int) -> Any:
    try:
        from peft import LoraConfig, LoraModel
    except ImportError as error:
        raise ImportError(
            'training="lora" needs the package peft. Run `pip install "sklw[finetune]"`, or train '
            'all weights with training="full".'
        ) from error
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    # Not get_peft_model: it reads names that transformers has deprecated.
    return LoraModel(model, config, "default")


# Not transformers.Trainer: it takes 4 to 15 % more time on the same rows, reseeds torch for the
# whole process, and after it accelerate refuses another precision there, as
# AcceleratedBertClassifier needs it. Nor does it save an unfinished LoraModel.
def _train(
    model: Any,
    base: LoadedModel,
    pairs: Pairs,
    training: LoRA | FullTuning,
    seed: int,
    folder: Path | None,
    *,
    verbose: bool,
) -> None:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # Plain numbers, as a search gives NumPy's: those would compute in their own precision.
    epochs, batch_size = int(training.epochs), int(training.batch_size)
    learning_rate = float(training.learning_rate)
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    n_batches = math.ceil(len(pairs(np.random.default_rng([seed, 0]))) / batch_size)
    n_steps = epochs * n_batches
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / _WARM_UP, 1.0) * (1 - step / n_steps)
    )
    unfinished = None if folder is None else folder / "unfinished.pt"
    first = _resume(model, optimizer, schedule, unfinished)
    model.train()
    with (
        seeded(seed, str(base.device)),
        progress(n_steps, "Fine-tuning", "step", verbose, initial=first * n_batches) as bar,
    ):
        for epoch in range(first, epochs):
            rng = np.random.default_rng([seed, epoch])
            for batch in _batches(base, pairs(rng), batch_size, rng):
                loss = _loss(model, *batch)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}")
            if unfinished is not None and epoch + 1 < epochs:
                state = {"epoch": epoch + 1, "weights": _trained(model)}
                state |= {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
                _save(state, unfinished)


def _loss(model: Any, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    with autocast("auto", str(ids.device)):
        logits = model(input_ids=ids, use_cache=False).logits
    # Shifting the targets spares a copy of the logits, which are many.
    following = torch.nn.functional.pad(targets[:, 1:], (0, 1), value=_IGNORED)
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), following.flatten(), ignore_index=_IGNORED
    )


def _batches(
    base: LoadedModel,
    pairs: Sequence[tuple[str, str]],
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield tokens, and the same with all but the answers masked; rows of like length together."""
    prompts = [base.read(prompt) for prompt, _ in pairs]
    answers = base.tokenizer([answer for _, answer in pairs], add_special_tokens=False)["input_ids"]
    lengths = np.array([len(p) + len(a) for p, a in zip(prompts, answers, strict=True)])
    for rows in length_bucketed_batches(lengths, batch_size, rng, batches_per_chunk=_WINDOW):
        width = min(int(lengths[rows].max()), base.context or 2**31)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        targets = torch.full_like(ids, _IGNORED)
        for place, row in enumerate(rows):
            tokens = torch.tensor([*prompts[row], *answers[row]][:width])
            ids[place, : len(tokens)] = tokens
            targets[place, len(prompts[row]) : len(tokens)] = tokens[len(prompts[row]) :]
        yield ids.to(base.device), targets.to(base.device)


def _trained(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: parameter.detach()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _restore(model: Any, weights: dict[str, torch.Tensor]) -> None:
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            parameters[name].copy_(weight)


def _resume(model: Any, optimizer: Any, schedule: Any, unfinished: Path | None) -> int:
    """Go on where an interrupted training stopped; returns the number of the next epoch."""
    state = _read(unfinished, model.device)
    if state is None:
        return 0
    _restore(model, state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["epoch"])


def _read(path: Path | None, device: torch.device) -> dict[str, Any] | None:
    """Read what :func:`_save` wrote, None if there is nothing or it is damaged."""
    if path is not None and path.is_file():
        try:
            found: dict[str, Any] = torch.load(path, weights_only=True, map_location=device)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception:  # damaged in whatever way: it is made again
            return None
        return found
    return None


def _save(state: dict[str, Any], path: Path) -> None:
    """Write a file whole or not at all; a full disk costs a later resumption, not this run."""
    with contextlib.suppress(OSError, RuntimeError):  # on a full disk torch raises the latter
        path.parent.mkdir(parents=True, exist_ok=True)
        write_by(path, partial(torch.save, state))
