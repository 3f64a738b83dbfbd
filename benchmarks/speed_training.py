"""Time of fine-tuning: BertClassifier, transformers.Trainer, and skorch's Hugging Face recipe.

All get the same encoder, texts, batch size, epochs and peak learning rate. The time is that of
the whole call, loading and tokenising included; the model's files are read once beforehand.
Trainer runs three times: with its defaults; in bfloat16, where the processor computes with it, and
with eager attention, which is faster than the fused one on short texts (`trainer-fast`); and so
with batches of like length (`trainer-grouped`).

    python benchmarks/speed_training.py --data SMSSpamCollection
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from _speed import LEARNING_RATE, Corpus, add_arguments, make_quiet, read_corpus
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import Pipeline
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from skorch.hf import HuggingfacePretrainedTokenizer
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from sklw import BertClassifier
from sklw._hardware import choose_precision
from sklw.models import locate_model

MAX_LENGTH = 128
Predictor = Callable[[Sequence[str]], np.ndarray]


def fit_sklw(corpus: Corpus, args: argparse.Namespace) -> Predictor:
    clf = BertClassifier(
        args.model,
        max_epochs=args.epochs,
        batch_size=args.batch_size,
        max_length=MAX_LENGTH,
        lr=LEARNING_RATE,
        head_init=args.head_init,
        device=args.device,
        random_state=args.seed,
    )
    return clf.fit(corpus.train_texts, corpus.train_codes).predict


def load_classifier(
    args: argparse.Namespace, n_classes: int, attention: str | None = None
) -> torch.nn.Module:
    torch.manual_seed(args.seed)
    return AutoModelForSequenceClassification.from_pretrained(
        locate_model(args.model).location,
        num_labels=n_classes,
        dtype=torch.float32,
        attn_implementation=attention,
    )


def fit_fast_trainer(corpus: Corpus, args: argparse.Namespace, order: str = "random") -> Predictor:
    attention = "eager" if args.device == "cpu" else None
    bf16 = choose_precision("auto", args.device) == torch.bfloat16
    return fit_trainer(corpus, args, attention, bf16=bf16, train_sampling_strategy=order)


def fit_trainer_by_length(corpus: Corpus, args: argparse.Namespace) -> Predictor:
    return fit_fast_trainer(corpus, args, "group_by_length")


def fit_trainer(
    corpus: Corpus, args: argparse.Namespace, attention: str | None = None, **settings: Any
) -> Predictor:
    tokenizer = AutoTokenizer.from_pretrained(locate_model(args.model).location)

    def rows(texts: Sequence[str], codes: Sequence[int]) -> list[dict]:
        encoded = tokenizer(list(texts), truncation=True, max_length=MAX_LENGTH)["input_ids"]
        return [{"input_ids": ids, "label": int(c)} for ids, c in zip(encoded, codes, strict=True)]

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            load_classifier(args, corpus.n_classes, attention),
            TrainingArguments(
                folder,
                num_train_epochs=args.epochs,
                per_device_train_batch_size=args.batch_size,
                learning_rate=LEARNING_RATE,
                seed=args.seed,
                use_cpu=args.device == "cpu",
                report_to=[],
                disable_tqdm=True,
                save_strategy="no",
                **settings,
            ),
            train_dataset=rows(corpus.train_texts, corpus.train_codes),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()

    def predict(texts: Sequence[str]) -> np.ndarray:
        return trainer.predict(rows(texts, [0] * len(texts))).predictions.argmax(axis=1)

    return predict


class LogitsOnly(torch.nn.Module):
    """The module of skorch's recipe."""

    def __init__(self, args: argparse.Namespace, n_classes: int):
        super().__init__()
        self.model = load_classifier(args, n_classes)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.model(**inputs).logits


def fit_skorch(corpus: Corpus, args: argparse.Namespace) -> Predictor:
    n_steps = args.epochs * -(-len(corpus.train_texts) // args.batch_size)
    net = NeuralNetClassifier(
        LogitsOnly,
        module__args=args,
        module__n_classes=corpus.n_classes,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=LEARNING_RATE,
        max_epochs=args.epochs,
        batch_size=args.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        device=args.device,
        verbose=0,
        callbacks=[
            LRScheduler(
                torch.optim.lr_scheduler.LambdaLR,
                lr_lambda=lambda step: max(0.0, 1 - step / n_steps),
                step_every="batch",
            )
        ],
    )
    tokenizer = HuggingfacePretrainedTokenizer(
        locate_model(args.model).location, max_length=MAX_LENGTH
    )
    recipe = Pipeline([("tokenizer", tokenizer), ("net", net)])
    return recipe.fit(corpus.train_texts, np.asarray(corpus.train_codes)).predict


SIDES = {
    "sklw": fit_sklw,
    "trainer-grouped": fit_trainer_by_length,
    "trainer-fast": fit_fast_trainer,
    "trainer": fit_trainer,
    "skorch": fit_skorch,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--head-init", choices=["probe", "random"], default="probe")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    args = parser.parse_args()
    make_quiet()
    corpus = read_corpus(args)
    load_classifier(args, corpus.n_classes)
    seconds, cpu_seconds, n_texts = {}, {}, corpus.n_train * args.epochs
    for side in args.sides:
        start, cpu_start = time.perf_counter(), time.process_time()
        predict = SIDES[side](corpus, args)
        seconds[side] = time.perf_counter() - start
        cpu_seconds[side] = time.process_time() - cpu_start
        found = predict(corpus.test_texts)
        print(
            f"{side:16s} {seconds[side]:8.1f} s {n_texts / seconds[side]:8.1f} "
            f"texts/s  accuracy {accuracy_score(corpus.test_codes, found):.4f}  "
            f"macro-F1 {f1_score(corpus.test_codes, found, average='macro'):.4f}",
            flush=True,
        )
    for side in args.sides:
        if side != "sklw" and "sklw" in seconds:
            by_cpu = cpu_seconds[side] / cpu_seconds["sklw"]
            print(f"in CPU time, which other work on the machine disturbs less: {by_cpu:.2f}")
            print(f"ratio sklw : {side} = {seconds[side] / seconds['sklw']:.2f}")


if __name__ == "__main__":
    main()
