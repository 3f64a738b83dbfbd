"""Packages that write rows of tables, each in the best of its documented configurations.

``pip install be_great sdv mostlyai-engine realtabformer``. All columns are numbers; the label is
one of them.
"""

import tempfile
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
import torch

from sklw import FineTunedGenerator, LLMOverSampler
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["GENERATORS"]

EPOCHS = 6  # of every language model that was trained before


class RowGenerator(ABC):
    """Learns the rows of a table and writes more of one class.

    Parameters
    ----------
    label : str
        Column of the label.
    categorical : list of str
        Columns whose numbers are categories.
    random_state : int
        Seed.
    """

    def __init__(self, label: str, categorical: list[str], random_state: int) -> None:
        self.label, self.categorical, self.seed = label, categorical, random_state

    @abstractmethod
    def fit(self, rows: pd.DataFrame) -> None:
        """Learn the rows."""

    @abstractmethod
    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Return `n` rows whose label should be `value`, or as many as can be had."""


class Sklw(RowGenerator):
    """LLMOverSampler(FineTunedGenerator()), nothing else set."""

    def fit(self, rows: pd.DataFrame) -> None:
        """Train, which writing one row does."""
        self.folder = tempfile.TemporaryDirectory()
        self.rows = rows
        self.sample(int(rows[self.label].iloc[0]), 1)

    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Over-sample the class."""
        X, y = self.rows.drop(columns=self.label), self.rows[self.label]
        sampler = LLMOverSampler(
            FineTunedGenerator(folder=self.folder.name, random_state=self.seed),
            sampling_strategy={value: int((y == value).sum()) + n},
            cache=False,
            random_state=self.seed,
        )
        X_new, y_new = sampler.fit_resample(X, y)
        return X_new.assign(**{self.label: y_new}).iloc[len(X) :]


class BeGreat(RowGenerator):
    """GReaT with the same language model and epochs.

    The label comes first, and `max_length` leaves room for the longest row (by default rows of
    more than 100 tokens are cut). The learning rate is that of
    :class:`sklw.generators.FullTuning`, since the default of 5e-5 is meant for 100 epochs.
    """

    def fit(self, rows: pd.DataFrame) -> None:
        """Train all weights in batches of eight, as by default."""
        from be_great import GReaT
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, set_seed

        set_seed(self.seed)
        has = torch.cpu.get_capabilities()
        # With AVX-512 FP16 but no AMX, bfloat16 takes twice as long as float32.
        bfloat16 = has["amx_bf16"] or (has["avx512_bf16"] and not has["avx512_fp16"])
        source = locate_model(EMBEDDED_LANGUAGE_MODEL)
        settings = {"quantization_config": GgufConfig(dequantize=True), **source.load_arguments}
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = AutoTokenizer.from_pretrained(source.location, **source.load_arguments)
            tokenizer.save_pretrained(folder)
            model = AutoModelForCausalLM.from_pretrained(source.location, **settings)
            model.save_pretrained(folder)
            self.model = GReaT(
                folder, f"{folder}/trainer", epochs=EPOCHS, learning_rate=3e-4,
                bf16=bfloat16, use_cpu=True,
                save_strategy="no", seed=self.seed,
            )  # fmt: skip
            self.model.model.float()
            self.model.fit(rows, conditional_col=self.label, random_conditional_col=False)
        texts = [", ".join(f"{name} is {value}" for name, value in row.items())
                 for row in rows.to_dict("records")]  # fmt: skip
        self.longest = max(len(self.model.tokenizer(text)["input_ids"]) for text in texts) + 5

    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Sample 100 at a time, as by default; a sampling temperature of 1, as sklw."""
        return self.model.sample(
            n, self.label, {str(value): 1.0}, temperature=1.0, k=100, max_length=self.longest,
            drop_nan=True,
        )  # fmt: skip


class RealTabFormer(RowGenerator):
    """REaLTabFormer, which stops when its rows come too near to the real ones."""

    def fit(self, rows: pd.DataFrame) -> None:
        """Train from scratch, with the package's own stopping rule."""
        from realtabformer import REaLTabFormer
        from transformers import set_seed

        set_seed(self.seed)
        with tempfile.TemporaryDirectory() as folder:
            self.model = REaLTabFormer(
                "tabular", checkpoints_dir=f"{folder}/a", samples_save_dir=f"{folder}/b",
                full_save_dir=f"{folder}/c", random_state=self.seed, report_to="none",
            )  # fmt: skip
            rows = rows[[self.label, *rows.columns.drop(self.label)]]  # to be sampled by it
            self.model.fit(rows, device="cpu", target_col=self.label,
                           gen_kwargs={}, save_full_every_epoch=0)  # fmt: skip # fails as it is

    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Sample given the label."""
        return self.model.sample(n, seed_input={self.label: [value]}, device="cpu")


class Sdv(RowGenerator):
    """A synthesizer of SDV, told which columns are categories."""

    def synthesizer(self, metadata: Any) -> Any:
        """Return it untrained."""
        from sdv.single_table import GaussianCopulaSynthesizer

        return GaussianCopulaSynthesizer(metadata)

    def fit(self, rows: pd.DataFrame) -> None:
        """Train."""
        from sdv.metadata import Metadata

        np.random.seed(self.seed)  # noqa: NPY002 - SDV draws from it
        torch.manual_seed(self.seed)
        kinds = {
            name: "categorical" if name in [*self.categorical, self.label] else "numerical"
            for name in rows.columns
        }
        columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
        metadata = Metadata.load_from_dict({"tables": {"table": {"columns": columns}}})
        self.model = self.synthesizer(metadata)
        self.model.fit({"table": rows})

    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Sample given the label."""
        from sdv.sampling import Condition

        condition = Condition(num_rows=n, column_values={self.label: value})
        return self.model.sample_from_conditions([condition])["table"]


class Ctgan(Sdv):
    """CTGAN, 300 epochs as by default; batches of 50, since 200 rows do not fill one of 500."""

    def synthesizer(self, metadata: Any) -> Any:
        """Return it untrained."""
        from sdv.single_table import CTGANSynthesizer

        return CTGANSynthesizer(metadata, batch_size=50, enable_gpu=False)


class MostlyAI(RowGenerator):
    """TabularARGN, which stops by itself on a part held out.

    Its protection of rare values is off: it is for privacy, and few values are not rare here.
    """

    def fit(self, rows: pd.DataFrame) -> None:
        """Train."""
        from mostlyai.engine import TabularARGN

        kinds = dict.fromkeys([*self.categorical, self.label], "TABULAR_CATEGORICAL")
        self.model = TabularARGN(
            value_protection=False, tgt_encoding_types=kinds, device="cpu", random_state=self.seed
        )
        self.model.fit(rows)

    def sample(self, value: int, n: int) -> pd.DataFrame:
        """Sample given the label."""
        return self.model.sample(seed_data=pd.DataFrame({self.label: [str(value)] * n}))


GENERATORS: dict[str, type[RowGenerator]] = {
    "sklw": Sklw,
    "be_great": BeGreat,
    "REaLTabFormer": RealTabFormer,
    "GaussianCopula": Sdv,
    "CTGAN": Ctgan,
    "MostlyAI": MostlyAI,
}
