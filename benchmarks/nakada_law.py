"""The scaling law on the replicated curves, and its picture in the docs.

python benchmarks/nakada.py --data DATA --experiments scaling --methods llm
python benchmarks/nakada_law.py
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from nakada import CLASSIFIERS, DATASETS, RESULTS

from sklw.inspection import ScalingLawDisplay
from sklw.scaling import ScalingLaw

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "scaling_law.png"
REAL_ROWS = 1000  # 200 seed rows and 800 of the majority


def main() -> None:
    """Print the parameters, and draw the curves of XGBoost."""
    results = pd.read_csv(RESULTS, keep_default_na=False)
    results = results[(results["experiment"] == "scaling") & (results["method"] == "llm")]
    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    axes = dict(zip(DATASETS, figure.subplots(1, 2), strict=True))
    print("| data | classifier | loss at 0 | at 3,600 | floor | exponent | from 3,600 to 7,200 |")
    print("|---" * 7 + "|")
    for dataset in DATASETS:
        for classifier in CLASSIFIERS:
            part = results[(results["dataset"] == dataset) & (results["classifier"] == classifier)]
            table = part.pivot_table("balanced_cross_entropy", "step", "seed")
            sizes, losses = 400 * table.index.to_numpy(), table.to_numpy()
            law = ScalingLaw(offset=REAL_ROWS, random_state=0).fit(sizes, losses)
            found = law.intervals_
            cells = [
                f"{found.loc[name, 'estimate']:.2f} [{found.loc[name, 'low']:.2f}, "
                f"{found.loc[name, 'high']:.2f}]"
                for name in ("floor", "exponent")
            ]
            ends = f"{losses[0].mean():.3f} | {losses[-1].mean():.3f}"
            gain = law.gain(3600, 7200)
            print(f"| {dataset} | {classifier} | {ends} | {' | '.join(cells)} | {-gain:+.3f} |")
            if classifier == "xgb":
                ax = axes[dataset]
                ScalingLawDisplay.from_losses(sizes, losses, law=law, up_to=7200, ax=ax)
                ax.set_title(f"{dataset}, XGBoost")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE)


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
