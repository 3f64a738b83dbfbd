"""Every method on SMS spam, with few spam messages to learn from.

Data: the SMS Spam Collection (Almeida et al., 2011), one ``label<TAB>text`` a line, without exact
duplicates. Training: 20, 50 or 100 spam against 1,000 ham; the rest is for testing. Nothing is
tuned; seeds 0 and 1 were used to choose the temperature that is now the default. Run it again to
resume; parts of it can be run with --seeds, --minority-sizes, --classifiers and --methods, and the
tables hold whatever parts are there::

    python benchmarks/sms_spam.py --data SMSSpamCollection.gz --classifiers embedding tfidf

On two idle cores the whole takes about two hours: a minute and a half of generation for each
training set, BERT most of the rest.
"""

import argparse
from pathlib import Path

import pandas as pd

from sklw.comparison import (
    CLASSIFIERS,
    METHODS,
    Settings,
    compare,
    format_table,
    read_results,
    summarize,
)
from sklw.datasets import load_texts

RESULTS = Path(__file__).parent / "results"
TASK = "SMS messages"
DESCRIPTIONS = {
    "ham": "a private message between friends, family or colleagues",
    "spam": "unwanted advertising: prizes, ringtones, dating lines, offers with a number to call",
}


def main() -> None:
    arguments = parse_arguments()
    texts, labels = load_texts(
        arguments.data, 1, 0, separator="\t", quotes=False, drop_duplicates=True
    )
    folder = RESULTS / "sms_spam"
    compare(
        texts,
        labels,
        methods=arguments.methods,
        classifiers=arguments.classifiers,
        minority_sizes=arguments.minority_sizes,
        majority_size=1000,
        seeds=arguments.seeds,
        settings=Settings(
            task=TASK,
            label_descriptions=DESCRIPTIONS,
            cache=folder / "cache",
        ),
        output=folder,
        verbose=True,
    )
    write(read_results(folder))


def write(results: pd.DataFrame) -> None:
    """Write all that any run has finished as CSV and as Markdown."""
    order = {name: place for place, name in enumerate([*CLASSIFIERS, *METHODS])}
    keys = ["classifier", "minority_size", "method", "seed"]
    results = results.sort_values(keys, key=lambda column: column.map(lambda v: order.get(v, v)))
    results.to_csv(RESULTS / "sms_spam.csv", index=False, float_format="%.4f")
    table = format_table(summarize(results), style="markdown")
    heading = (
        "## SMS spam: means over seeds, paired differences to class weights [95 % interval]\n\n"
        "Seconds on two CPU cores; generation is charged in full to each method that uses it.\n\n"
    )
    (RESULTS / "sms_spam" / "table.md").write_text(heading + table + "\n", encoding="utf-8")
    print(table)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="SMSSpamCollection, .gz or not")
    add("--seeds", type=int, nargs="+", default=[2, 3, 4, 5])
    add("--minority-sizes", type=int, nargs="+", default=[20, 50, 100])
    add("--classifiers", nargs="+", default=list(CLASSIFIERS), choices=CLASSIFIERS)
    add("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
