"""The pages in a real browser."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklw import SyntheticWeighter
from sklw.comparison import ComparisonReport

pytestmark = pytest.mark.slow  # Chromium takes seconds to start

SENTENCE = "The heating is off, please send someone."  # 40 characters
HOSTILE = [
    "<script>document.title = 'stolen'; alert('x')</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(2)" \' {{ 7 * 7 }} &amp; </textarea></style></details>',
    "\u202eright to left\u202c, \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\U0001f525\U0001f469\u200d\U0001f692 the kitchen \U0001f1e9\U0001f1ea e\u0301\u0301\u0301",
    "x" * 10_000,
    "long words " * 900 + "the end",
    "two\n\n   lines\tand a tab \x00\x07 \ud800",
]
WIDTHS = [400, 1400]


@pytest.fixture(scope="session")
def browse(tmp_path_factory):
    """Return a function that opens a page in Chromium and runs a script there."""
    reason = "needs Chromium: pip install PyQt6-WebEngine"
    pytest.importorskip("PyQt6.QtWebEngineCore", reason=reason, exc_type=ImportError)
    browser = Path(__file__).with_name("browser.py")

    def start(path, wanted):
        return subprocess.run(
            [sys.executable, browser, path, json.dumps(wanted)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "PYTHONPATH": ""},
        )

    empty = tmp_path_factory.mktemp("browser") / "empty.html"
    empty.write_text("<!doctype html>")
    started = start(empty, {"widths": [400]})
    if started.returncode:
        pytest.skip(f"Chromium does not start here: {started.stderr[-300:]}")

    def run(path, script="null", widths=WIDTHS, **options):
        done = start(path, {"script": script, "widths": widths, **options})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def weights_page(tmp_path_factory):
    """Write the page on the weights of ordinary and hostile texts."""
    rng = np.random.default_rng(0)
    texts = [f"{SENTENCE} Number {n}." for n in range(60)] + HOSTILE * 2
    labels = np.array(["ham", "<b>spam</b> & " + "so on " * 40])[np.arange(78) % 2]
    made = np.arange(78) >= 30
    columns = {"text": texts, "label": labels, "message": texts, "accepted": True}
    provenance = pd.DataFrame(columns, dtype=object)  # pyarrow's strings hold no lone surrogates
    vectors = rng.normal(size=(78, 3)) + (np.arange(78) % 2)[:, None]
    weighter = SyntheticWeighter("quality", random_state=0).fit(vectors, labels, made)
    path = tmp_path_factory.mktemp("pages") / "weights.html"
    weighter.report(np.array(texts, dtype=object), labels, provenance=provenance).to_html(path)
    return path


@pytest.fixture(scope="module")
def comparison_page(tmp_path_factory):
    """Write the page on a comparison, with hostile texts, names and errors."""
    folder = tmp_path_factory.mktemp("comparison")
    frame = pd.DataFrame(
        {"text": [SENTENCE, *HOSTILE], "label": ["a"] * 4 + ["<i>b</i>"] * 6}, dtype=object
    )
    frame = frame.assign(
        accepted=["True"] * 9 + ["False"],
        reason=[""] * 9 + ["near_duplicate"],
        parents="1 2",
        weight_llm=[*map(str, np.linspace(0, 2, 9)), ""],
    )
    frame.to_csv(folder / "generated_m9_seed0.csv", index=False, errors="replace")
    (folder / "settings.json").write_text(json.dumps({"task": HOSTILE[0], "model": "x" * 3000}))
    results = pd.DataFrame(
        {
            "classifier": "embedding",
            "minority_size": 9,
            "method": ["class_weight", "llm", "<u>mine</u>" + "x" * 90] * 3,
            "seed": np.repeat([0, 1, 2], 3),
            "macro_f1": [0.7, 0.8, 0.6, 0.72, 0.8, 0.61, 0.71, 0.83, np.nan],
            "log_loss": 0.4,
            "fit_seconds": 0.1,
            "tokens": [0, 12_345, 0] * 3,
            "synthetic_rows": [0, 8, 0] * 3,
            "error": [""] * 8 + ["ValueError: <script>alert(3)</script>" + "x" * 2000],
        }
    )
    path = folder / "comparison.html"
    ComparisonReport.from_results(results, output=folder).to_html(path, command="sklw " * 200)
    return path


@pytest.fixture(params=["weights_page", "comparison_page"])
def page(request):
    return request.getfixturevalue(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_runs_off_the_page(page, browse, dark):
    script = """
        for (const part of document.querySelectorAll("details")) part.open = true;
        const root = document.documentElement;
        [root.scrollWidth - root.clientWidth, getComputedStyle(document.body).backgroundColor]
    """
    found = browse(page, script, dark=dark)
    back = "rgb(22, 24, 28)" if dark else "rgb(255, 255, 255)"
    assert found == {"results": [[0, back]] * 2, "console": [], "dialogs": []}


def test_texts_have_room(page, browse):
    script = f"""
        const text = document.querySelector("td.text p");
        text.textContent = "{SENTENCE}";
        const range = document.createRange();
        range.selectNodeContents(text);
        range.getClientRects().length
    """
    assert browse(page, script)["results"] == [1, 1]  # on one line


def test_hostile_texts_are_shown_as_they_are(page, browse):
    script = """
        const title = document.title;
        const hosts = performance.getEntriesByType("resource").length;
        [title, hosts, document.scripts.length, document.images.length,
         document.querySelectorAll("[onmouseover], b, u, i:not(.cells i)").length,
         document.querySelector(".rows tbody").textContent]
    """
    found = browse(page, script, widths=[400])
    title, *counts, text = found["results"][0]
    assert title in ("Weights by quality", "Comparison of methods")
    assert counts == [0, 1, 0, 0]
    assert found["dialogs"] == []
    for hostile in HOSTILE[:-1]:
        assert hostile in text


def test_rows_can_be_filtered_and_sorted(page, browse):
    script = """
        const [words, label] = document.querySelectorAll(".tools input, .tools select");
        const rows = () => Array.from(document.querySelectorAll(".rows tbody tr"));
        const shown = () => rows().filter((row) => row.getClientRects().length).length;
        const weights = () => rows().map((row) => Number(row.dataset.weight));
        const set = (field, value) => {
          field.value = value;
          field.dispatchEvent(new Event("input"));
          return shown();
        };
        const heads = document.querySelectorAll(".rows th");
        const click = (n) => {
          heads[n].querySelector("button").click();
          return heads[n].ariaSort;
        };
        const all = shown();
        [all, set(words, "THE KITCHEN"), set(words, "no such words"), set(words, ""),
         set(label, label.options[1].value), set(label, ""),
         click(2), weights(), click(2), weights(), click(0), rows().length]
    """
    for result in browse(page, script)["results"]:
        n, kitchen, none, again, of_label, all_labels, up, rising, down, falling, by_text, last = (
            result
        )
        assert 0 < kitchen <= 2
        assert (none, again, all_labels, last) == (0, n, n, n)
        assert 0 < of_label < n
        assert (up, down, by_text) == ("ascending", "descending", "ascending")
        assert rising == sorted(rising)
        assert falling == sorted(falling)[::-1]


def test_what_is_hidden_is_only_bookkeeping(page, browse):
    script = """
        const seen = (element) => element.checkVisibility({contentVisibilityAuto: true});
        [seen(document.querySelector("h1")), seen(document.querySelector("td.text p")),
         seen(document.querySelector("td.why")), seen(document.querySelector(".chart svg")),
         seen(document.querySelector("td.text dl"))]
    """
    assert browse(page, script)["results"] == [[True, True, True, True, False]] * 2
