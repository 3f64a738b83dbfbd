"""The prompt for rows of a table."""

from typing import ClassVar

import numpy as np

from sklw._compat.scikit_learn import StrOptions
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._prompting import SHARED_CONSTRAINTS, BasePrompt, Source
from sklw.over_sampling._writer import Prompt

__all__ = ["TableRows"]

# More classes than this are not shown beside the one that is asked for.
_MOST_OTHERS = 3


class TableRows(BasePrompt):
    """Show rows of the class and of other classes in turn and ask for another row [1]_.

    Parameters
    ----------
    n_examples : int, default=5
        Number of real rows of each class in a prompt; fewer if the class has fewer.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        Whether each prompt shows rows drawn at random, a row with its nearest neighbors, or rows
        far from each other. Columns of texts count only if there are no others.
    answers_per_prompt : int, default=4
        Number of requests that share a prompt before other rows are drawn. Reading a prompt
        costs more than answering it, and a repeated prompt is read only once.
    rows_per_request : int, default=1
        Number of rows to ask for in one answer; chat models only.
    instructions : str, default=None
        Further instructions to the model, in your own words.
    row_format : {"csv", "sentences", "json"}, default="csv"
        How rows are written: as ``39,Private``, which costs the fewest tokens; as
        ``age is 39, workclass is Private``; or as JSON objects, for which servers that support
        JSON schemas receive one.
    category_codes : bool, default=False
        Whether to write categories as short codes (``A0``, ``A1``), so that the usual meaning of
        a word does not mislead the model [1]_.

    See Also
    --------
    TableFilter : What is accepted of the answers.

    References
    ----------
    .. [1] J. Kim et al., "EPIC: Effective Prompting for Imbalanced-Class Data Synthesis in
       Tabular Data Classification via Large Language Models", NeurIPS 2024.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import TableRows
    >>> LLMOverSampler(prompt=TableRows(row_format="json"))
    LLMOverSampler(prompt=TableRows(row_format='json'))
    """

    _parameter_constraints: ClassVar[dict] = {
        **SHARED_CONSTRAINTS,
        "row_format": [StrOptions({"csv", "json", "sentences"})],
        "category_codes": ["boolean"],
    }

    def __init__(
        self,
        n_examples: int = 5,
        *,
        example_selection: str = "random",
        answers_per_prompt: int = 4,
        rows_per_request: int = 1,
        instructions: str | None = None,
        row_format: str = "csv",
        category_codes: bool = False,
    ) -> None:
        self.n_examples = n_examples
        self.example_selection = example_selection
        self.answers_per_prompt = answers_per_prompt
        self.rows_per_request = rows_per_request
        self.instructions = instructions
        self.row_format = row_format
        self.category_codes = category_codes

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, with a row of the class last."""
        others = [other for other in source.cells if other is not cell]
        chosen = [others[at] for at in sorted(rng.permutation(len(others))[:_MOST_OTHERS])]
        columns = [source.draw(each, rng) for each in [*chosen, cell]]
        longest = max(map(len, columns))
        # Shorter columns start later, so that every class is there at the end.
        turns = [
            column[turn - (longest - len(column))]
            for turn in range(longest)
            for column in columns
            if turn >= longest - len(column)
        ]
        shown = np.array(turns, dtype=int)
        return shown, source.write(shown, cell)
