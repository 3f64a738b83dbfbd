"""What finding the weights costs, against the training of the classifier they are for.

One pair of the weighting benchmark, 1,500 synthetic rows and 400 real ones::

    python benchmarks/speed_weighting.py --data DATA --pair sentiment-gpt4
    python benchmarks/speed_weighting.py --data DATA --synthetic 5000 --weights-only

`cold` includes embedding all texts, which is needed once a process; `warm` does not. DIMP-Loss has
its cost in training. The bilevel methods train a model of their own, by default a linear head.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from _pairs import PAIRS, load_pair
from rivals import Domain, MetaWeightNet, Ren, Rho
from weighting import draw

from sklw import BertClassifier, SyntheticWeighter
from sklw.feature_extraction._embedder import _memo
from sklw.weighting import Hu

# Those that are no methods of sklw.
METHODS = {"domain": Domain(), "ren": Ren(), "meta-weight-net": MetaWeightNet(), "rho": Rho()}
WARM = ["quality", "imp", "domain", "hu", "ren", "meta-weight-net", "sungen", "auto"]


def seconds(action: Any) -> float:
    """Time a call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Print seconds and shares of the time of training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pair", choices=list(PAIRS), default="sentiment-gpt4")
    parser.add_argument("--synthetic", type=int, default=1500, help="number of synthetic rows")
    parser.add_argument("--weights-only", action="store_true", help="leave the training out")
    parser.add_argument("--bert", action="store_true", help="time learning in a whole BERT, too")
    arguments = parser.parse_args()
    training = draw(load_pair(arguments.pair, arguments.data), "both", 0, arguments.synthetic)
    texts, labels = training.rows.texts, training.rows.labels

    def weigh(method: Any) -> SyntheticWeighter:
        weighter = SyntheticWeighter(method, random_state=0)
        return weighter.fit(texts, labels, training.synthetic, training.parents)

    def train(**fit_arguments: Any) -> BertClassifier:
        return BertClassifier(random_state=0).fit(texts, labels, **fit_arguments)

    found = {}
    if not arguments.weights_only:
        train()  # whatever happens once
        found["training, no weights"] = seconds(train)
    for method in ("quality", "imp"):
        _memo.clear()
        found[f"{method}, cold"] = seconds(lambda method=method: weigh(method))
    for name in WARM:
        found[f"{name}, warm"] = seconds(lambda name=name: weigh(METHODS.get(name, name)))
    for name in () if arguments.weights_only else ("imp", "dimp", "rho"):
        weights = weigh(METHODS.get(name, name)).row_weights_
        found[f"training, {name}"] = seconds(lambda weights=weights: train(row_weights=weights))
    if not arguments.weights_only:
        found["training, no weights, again"] = seconds(train)
    if arguments.bert:
        for name, method in {"ren": Ren("bert"), "hu": Hu("bert")}.items():
            found[f"{name} in a whole BERT"] = seconds(lambda method=method: weigh(method))
    print(f"{arguments.pair}: {len(texts)} rows, {int(training.synthetic.sum())} synthetic")
    for name, value in found.items():
        base = found.get("training, no weights")
        share = f" {100 * value / base:6.1f} % of training" if base else ""
        print(f"{name:30} {value:7.1f} s{share}")


if __name__ == "__main__":
    main()
