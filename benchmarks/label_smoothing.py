"""What label smoothing costs where nearly all labels are right: SMS spam, real rows alone.

``python benchmarks/label_smoothing.py --data SMSSpamCollection.gz`` takes some minutes.
"""

import argparse
import gzip
from itertools import product

import numpy as np
from sklearn.metrics import f1_score, log_loss

from sklw import BertClassifier

N_TEST = 1500


def main() -> None:
    """Print macro-F1 and log-loss for each amount of spam, smoothing and epochs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="SMSSpamCollection.gz")
    with gzip.open(parser.parse_args().data, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file]
    y, X = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    order = np.random.default_rng(0).permutation(len(y))
    test, pool = order[:N_TEST], order[N_TEST:]
    for (n_spam, n_ham), smoothing, epochs in product(
        ((20, 400), (100, 900)), (0.0, 0.05, 0.1), (3, 6)
    ):
        train = np.r_[pool[y[pool] == "spam"][:n_spam], pool[y[pool] == "ham"][:n_ham]]
        model = BertClassifier(
            label_smoothing=smoothing, max_epochs=epochs, class_weight="balanced", random_state=0
        ).fit(X[train], y[train])
        found = model.predict_proba(X[test]).astype(float)
        found /= found.sum(axis=1, keepdims=True)
        f1 = f1_score(y[test].astype(str), model.predict(X[test]).astype(str), average="macro")
        loss = log_loss(y[test].astype(str), found, labels=model.classes_.astype(str))
        print(f"{n_spam} spam, {smoothing}, {epochs} epochs: {f1:.4f}, {loss:.4f}", flush=True)


if __name__ == "__main__":
    main()
