"""A generator for tables that needs no model: each value is that of some row in the prompt."""

import re

import numpy as np

from sklw.generators import BaseGenerator, Completion


class Shuffler(BaseGenerator):
    """Answers with values of the prompt's rows of the class asked for, column by column.

    Numbers are moved a little, so that rows are new. Reads CSV without quotes only.
    """

    def __init__(self, form="completion"):
        self.form = form

    @property
    def prompt_form(self):
        return self.form

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            yield number, Completion(self._answer(request), 10, 10)

    def _answer(self, request):
        prompt = request.prompt if isinstance(request.prompt, str) else request.prompt[0][1]
        *blocks, last = prompt.split("Category: ")
        asked = last.split("\n")[0]
        rows = [
            block.split("Row: ")[1].strip().split(",")
            for block in blocks[1:]
            if block.split("\n")[0] == asked
        ]
        rng = np.random.default_rng(request.seed)
        values = [column[rng.integers(len(rows))] for column in zip(*rows, strict=True)]
        return ",".join(self._moved(value, rng) for value in values)

    def _moved(self, value, rng):
        if not re.fullmatch(r"-?\d+\.\d+", value):
            return value
        decimals = len(value.split(".")[1])
        moved = float(value) + rng.integers(-3, 4) * 10.0**-decimals
        return f"{moved:.{decimals}f}"
