"""Draw the diagrams of the documentation as SVG: ``python docs/diagrams.py``."""

from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1c2733; text-anchor: middle; }
  .question { fill: #fff6e0; stroke: #b7791f; }
  .answer { fill: #e3effb; stroke: #1f5fa8; }
  .stop { fill: #eeeeee; stroke: #666; }
  .arrow { stroke: #44546a; fill: none; marker-end: url(#head); }
  .label { font-size: 12.5px; fill: #44546a; paint-order: stroke; stroke: #fff; stroke-width: 6px; }
"""


def box(x: float, y: float, width: float, lines: str, kind: str = "answer") -> str:
    """Return a box with its centre at `x`, its top at `y`, and a line of text for each line."""
    texts = lines.split("\n")
    height = 20 * len(texts) + 16
    place = f'x="{x - width / 2}" y="{y}" width="{width}" height="{height}"'
    drawn = f'<rect class="{kind}" {place} rx="7"/>'
    for row, text in enumerate(texts):
        drawn += f'<text x="{x}" y="{y + 25 + 20 * row}">{escape(text)}</text>'
    return drawn


def arrow(x1: float, y1: float, x2: float, y2: float, label: str = "") -> str:
    """Return an arrow with a label beside its middle."""
    drawn = f'<path class="arrow" d="M{x1},{y1} L{x2},{y2}"/>'
    if label:
        x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 4 * (y1 == y2)
        drawn += f'<text class="label" x="{x}" y="{y}">{escape(label)}</text>'
    return drawn


def write(name: str, width: int, height: int, title: str, parts: list[str]) -> None:
    """Write a diagram."""
    head = (
        '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L10,5 L0,10 z" fill="#44546a"/></marker>'
    )
    body = "\n".join(parts)
    (IMAGES / name).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><defs><style>{STYLE}</style>{head}</defs>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def choosing() -> None:
    """Draw which method to use when."""
    write(
        "choosing.svg",
        1000,
        560,
        "Which method when",
        [
            box(500, 15, 330, "Measure class weights and a\ntuned threshold first", "question"),
            arrow(665, 43, 800, 43, "good enough"),
            box(885, 25, 160, "Stop here", "stop"),
            arrow(420, 71, 170, 125, "texts"),
            arrow(500, 71, 500, 125, "a table"),
            arrow(580, 71, 830, 125, "synthetic rows exist already"),
            box(170, 127, 270, "How many real rows has\nthe rare class?", "question"),
            box(500, 127, 290, "class weights, calibrated\n(CalibratedClassifierCV)", "stop"),
            box(830, 127, 270, "Who wrote them?", "question"),
            arrow(120, 183, 90, 250, "under 50"),
            arrow(220, 183, 250, 250, "more"),
            box(85, 252, 158, "LLM rows, weighted\n(a weak model:\nin a vote)"),
            box(253, 252, 158, "class weights", "stop"),
            arrow(500, 183, 500, 250, "if rows are needed"),
            box(500, 252, 220, "rows of a fine-\ntuned LLM,\nuniform weights"),
            arrow(780, 163, 750, 250, "a strong model"),
            arrow(880, 163, 912, 250, "a weak one"),
            box(750, 252, 152, "default weights"),
            box(915, 252, 152, "default weights,\nbalanced classes,\nin a vote"),
            arrow(500, 335, 500, 395),
            box(
                500,
                397,
                640,
                "Do probabilities matter more than decisions?\n"
                "Texts: in a vote. Tables: class weights, calibrated",
                "question",
            ),
            arrow(500, 453, 500, 490),
            box(500, 492, 640, "python -m sklw compare: check it on your own data"),
        ],
    )


def route() -> None:
    """Draw how X and temperature get through fit_resample."""
    steps = [
        ("fit_resample(X, y)", "_sampler.py"),
        ("Problem: rows, labels, cells, quotas", "_problem.py"),
        ("row format and prompt compose a prompt", "_text/, _table/, _prompting.py"),
        ("GenerationRun: one request per seed", "_run.py"),
        ("budget, then cache", "generators/"),
        ("generator.iter_generate(requests)", "generators/"),
    ]
    parts = []
    for row, (text, place) in enumerate(steps):
        y = 15 + 70 * row
        parts.append(box(200, y, 340, text))
        parts.append(f'<text class="label" x="200" y="{y + 50}">{escape(place)}</text>')
        if row:
            parts.append(arrow(60, y - 34, 60, y))
    back = [
        "rows appended to X, synthetic_mask_",
        "accepted: provenance_, parent_indices_",
        "filter and verifier judge each Candidate",
        "answer parsed into rows",
    ]
    for row, text in enumerate(back, start=1):
        y = 15 + 70 * row
        parts.append(box(680, y, 340, text))
        if row > 1:
            parts.append(arrow(680, y, 680, y - 34))
    parts += [
        arrow(510, 243, 372, 243, "if rejected"),
        arrow(370, 375, 508, 318, "Completion"),
        box(680, 365, 340, "temperature: read only here,\nand part of cache_key()", "question"),
        arrow(510, 393, 372, 389),
    ]
    write("route.svg", 860, 440, "The route of X and of temperature through fit_resample", parts)


if __name__ == "__main__":
    choosing()
    route()
