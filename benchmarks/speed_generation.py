"""Texts a second: TransformersGenerator against ``model.generate`` of transformers.

Both get the same few-shot prompts, model, precision, sampling parameters, batch size and stop
criterion. Tokens are counted up to the end of each answer only. The rival's prompts are sorted
by length, too, so that it pads as little as possible.

    python benchmarks/speed_generation.py --n-texts 256
"""

import argparse
import gzip
import random
import time

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from sklw.datasets import load_maintenance_requests
from sklw.generators import Request, TransformersGenerator


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=None, help="default: the embedded model")
    parser.add_argument("--data", help="SMSSpamCollection.gz; default: the bundled corpus")
    parser.add_argument("--n-texts", type=int, default=256)
    parser.add_argument("--n-examples", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read_texts(path: str | None) -> list[str]:
    if path is None:
        return list(load_maintenance_requests().data)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t", 1) for line in file]
    return [text for label, text in rows if label == "spam"]


def write_prompts(texts: list[str], n: int, n_examples: int) -> list[str]:
    draw = random.Random(0)
    head = "Below are real messages of one kind, one on each line. They differ in content.\n\n"
    return [
        head + "".join(f"Message: {t}\n" for t in draw.sample(texts, n_examples)) + "Message:"
        for _ in range(n)
    ]


class EndOfLine(StoppingCriteria):
    """Stop a row at the first token that holds a line break."""

    def __init__(self, tokenizer):
        pieces = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
        self.ends = torch.tensor(["\n" in piece for piece in pieces])

    def __call__(self, input_ids, scores, **kwargs):
        """Tell which rows end here."""
        return self.ends.to(input_ids.device)[input_ids[:, -1]]


def run_transformers(generator, prompts, options):
    """Answer with ``model.generate``; return the number of tokens up to each answer's end."""
    loaded = generator._load()
    loaded.model.set_attn_implementation("sdpa")
    tokenizer = loaded.tokenizer
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    ends = EndOfLine(tokenizer)
    ordered = sorted(prompts, key=lambda prompt: len(tokenizer(prompt)["input_ids"]))
    tokens = 0
    start = time.perf_counter()
    for first in range(0, len(ordered), options.batch_size):
        batch = tokenizer(
            ordered[first : first + options.batch_size], return_tensors="pt", padding=True
        ).to(loaded.device)
        output = loaded.model.generate(
            **batch,
            do_sample=True,
            temperature=options.temperature,
            top_p=options.top_p,
            top_k=0,
            max_new_tokens=options.max_new_tokens,
            stopping_criteria=StoppingCriteriaList([ends]),
        )[:, batch["input_ids"].shape[1] :].cpu()
        texts = tokenizer.batch_decode(output, skip_special_tokens=True)
        assert len(texts) == len(output)
        finished = ends.ends[output] | torch.isin(output, torch.tensor(sorted(loaded.stop_ids)))
        lengths = torch.where(finished.any(1), finished.int().argmax(1) + 1, output.shape[1])
        tokens += int(lengths.sum())
    return time.perf_counter() - start, tokens


def run_sklw(generator, prompts):
    requests = [Request(prompt, seed=i, stop=("\n",)) for i, prompt in enumerate(prompts)]
    start = time.perf_counter()
    completions = generator.generate(requests)
    return time.perf_counter() - start, sum(c.completion_tokens for c in completions)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    generator = TransformersGenerator(
        **({} if options.model is None else {"model": options.model}),
        temperature=options.temperature,
        top_p=options.top_p,
        max_new_tokens=options.max_new_tokens,
        batch_size=options.batch_size,
        dtype=options.dtype,
        device=options.device,
    )
    prompts = write_prompts(read_texts(options.data), options.n_texts, options.n_examples)
    loaded = generator._load()
    lengths = [len(loaded.tokenizer(prompt)["input_ids"]) for prompt in prompts]
    print(
        f"{generator.model_name}, {loaded.model.dtype}, {loaded.device}, "
        f"{options.threads} threads; {len(prompts)} prompts of {min(lengths)} to {max(lengths)} "
        f"tokens, mean {sum(lengths) / len(lengths):.0f}"
    )
    run_sklw(generator, prompts[:2])  # both warm
    seconds = []
    runs = {
        "sklw": lambda: run_sklw(generator, prompts),
        "model.generate": lambda: run_transformers(generator, prompts, options),
    }
    for name, run in runs.items():
        processor = time.process_time()
        spent, tokens = run()
        processor = time.process_time() - processor
        seconds.append(spent)
        print(
            f"{name:>15}: {spent:7.1f} s ({processor:.1f} s of CPU), "
            f"{len(prompts) / spent:6.2f} texts/s, "
            f"{tokens / spent:7.1f} tokens/s, {tokens / len(prompts):5.1f} tokens a text",
            flush=True,
        )
    print(f"ratio of seconds: {seconds[1] / seconds[0]:.2f}")


if __name__ == "__main__":
    main()
