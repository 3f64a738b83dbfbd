"""Tokens a second: TransformersGenerator against ``model.generate`` and a local server.

All get the same few-shot prompts, model, sampling parameters and stop criterion, and as many
requests at once as the batch is large. Tokens are counted up to the end of each answer only. The
prompts of ``model.generate`` are sorted by length, so that it pads as little as possible. Each
prompt is asked `--answers` times: the sampler sends four requests that show the same rows, and
TransformersGenerator reads a prompt that comes again once.

    python benchmarks/speed_generation.py --data SMSSpamCollection.gz --batch-sizes 1 4 16 64 256

For the server, start one that batches, with the converted weights (any OpenAI-compatible one)::

    transformers serve FOLDER --port 8000 --continuous-batching
    python benchmarks/speed_generation.py --url http://localhost:8000/v1 --model FOLDER

``--continuous`` adds ``model.generate_batch``. OpenVINO GenAI reads the embedded GGUF file, and
CTranslate2 converts it (``pip install openvino-genai ctranslate2``)::

    python benchmarks/speed_generation.py --data SMSSpamCollection.gz --openvino --ctranslate2
"""

import argparse
import gzip
import random
import tempfile
import time
from itertools import product

import torch
from sklearn.base import clone
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GgufConfig,
    StoppingCriteria,
    StoppingCriteriaList,
)

from sklw.datasets import load_maintenance_requests
from sklw.generators import OpenAIGenerator, Request, TransformersGenerator
from sklw.models import locate_model


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=None, help="default: the embedded model")
    parser.add_argument("--data", help="SMSSpamCollection.gz; default: the bundled corpus")
    parser.add_argument("--n-texts", type=int, help="default: two batches, 16 to 256")
    parser.add_argument("--n-examples", type=int, default=4)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64])
    parser.add_argument("--answers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--compile", action="store_true", help="also after torch.compile, untimed")
    parser.add_argument("--url", help="an endpoint that serves the same model")
    parser.add_argument("--continuous", action="store_true", help="also with continuous batching")
    parser.add_argument("--openvino", action="store_true", help="also with OpenVINO GenAI")
    parser.add_argument("--ctranslate2", action="store_true", help="also with CTranslate2")
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


def write_prompts(texts: list[str], n: int, n_examples: int, answers: int = 1) -> list[str]:
    draw = random.Random(0)
    head = "Below are real messages of one kind, one on each line. They differ in content.\n\n"
    prompts = [
        head + "".join(f"Message: {t}\n" for t in draw.sample(texts, n_examples)) + "Message:"
        for _ in range(n // answers)
    ]
    return [prompt for prompt in prompts for _ in range(answers)]


def holds_line_break(tokenizer):
    """Tell of each token whether an answer ends with it."""
    pieces = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    return torch.tensor(["\n" in piece for piece in pieces])


class EndOfLine(StoppingCriteria):
    """Stop a row at the first token that holds a line break."""

    def __init__(self, tokenizer):
        self.ends = holds_line_break(tokenizer)

    def __call__(self, input_ids, scores, **kwargs):
        """Tell which rows end here."""
        return self.ends.to(input_ids.device)[input_ids[:, -1]]


def run_transformers(generator, prompts, options, batch_size):
    """Answer with ``model.generate``; return the number of tokens up to each answer's end."""
    loaded = generator._load()
    ours = loaded.model.config._attn_implementation
    loaded.model.set_attn_implementation("sdpa")
    tokenizer = loaded.tokenizer
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    ends = EndOfLine(tokenizer)
    ordered = sorted(prompts, key=lambda prompt: len(tokenizer(prompt)["input_ids"]))
    tokens = 0
    start = time.perf_counter()
    for first in range(0, len(ordered), batch_size):
        batch = tokenizer(
            ordered[first : first + batch_size], return_tensors="pt", padding=True
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
    seconds = time.perf_counter() - start
    loaded.model.set_attn_implementation(ours)
    return seconds, tokens


def continuous(generator, options):
    """Return what answers prompts with transformers' continuous batching."""
    loaded = generator._load()
    ends = holds_line_break(loaded.tokenizer).nonzero().flatten().tolist()
    settings = GenerationConfig(
        do_sample=True, temperature=options.temperature, top_p=options.top_p, top_k=0,
        max_new_tokens=options.max_new_tokens, eos_token_id=[*ends, *sorted(loaded.stop_ids)],
    )  # fmt: skip

    def run(prompts):
        ours = loaded.model.config._attn_implementation
        loaded.model.set_attn_implementation("sdpa")
        start = time.perf_counter()
        inputs = [loaded.tokenizer(prompt)["input_ids"] for prompt in prompts]
        found = loaded.model.generate_batch(inputs, settings, progress_bar=False)
        seconds = time.perf_counter() - start
        loaded.model.set_attn_implementation(ours)
        assert len(found) == len(prompts)
        return seconds, sum(len(answer.generated_tokens) for answer in found.values())

    return run


def ctranslate2(generator, options, batch_size):
    """Return what answers prompts with CTranslate2, in the precision of sklw, loaded and warm."""
    import ctranslate2
    from ctranslate2.converters import TransformersConverter

    source = locate_model(generator.model)
    settings = {"quantization_config": GgufConfig(dequantize=True), **source.load_arguments}
    tokenizer = AutoTokenizer.from_pretrained(source.location, **source.load_arguments)
    precision = str(generator._load().model.dtype).removeprefix("torch.")
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(f"{folder}/in")
        AutoModelForCausalLM.from_pretrained(source.location, **settings).save_pretrained(
            f"{folder}/in"
        )
        TransformersConverter(f"{folder}/in").convert(f"{folder}/out")
        model = ctranslate2.Generator(
            f"{folder}/out", compute_type=precision, intra_threads=options.threads
        )
    ends = holds_line_break(tokenizer).nonzero().flatten().tolist()

    def run(prompts):
        start = time.perf_counter()
        inputs = [tokenizer.convert_ids_to_tokens(tokenizer(p)["input_ids"]) for p in prompts]
        found = model.generate_batch(
            inputs, max_batch_size=batch_size, max_length=options.max_new_tokens,
            sampling_topk=0, sampling_topp=options.top_p, include_prompt_in_result=False,
            sampling_temperature=options.temperature, end_token=ends, return_end_token=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        return seconds, sum(len(result.sequences_ids[0]) for result in found)

    run(write_prompts(read_texts(options.data), 2, options.n_examples))
    return run


def openvino(generator, options, batch_size):
    """Return what answers prompts with OpenVINO's continuous batching, loaded and warm."""
    import openvino_genai

    source = locate_model(generator.model)
    settings = openvino_genai.SchedulerConfig()
    settings.max_num_seqs, settings.enable_prefix_caching = batch_size, True
    path = f"{source.location}/{source.gguf_file}"
    pipe = openvino_genai.ContinuousBatchingPipeline(
        path, settings, "CPU", {"INFERENCE_NUM_THREADS": options.threads}
    )

    def answers(prompts, first_seed=0):
        configs = [
            openvino_genai.GenerationConfig(
                do_sample=True,
                temperature=options.temperature,
                top_p=options.top_p,
                max_new_tokens=options.max_new_tokens,
                rng_seed=first_seed + number,
                stop_strings={"\n"},
            )
            for number in range(len(prompts))
        ]
        return [result.m_generation_ids[0] for result in pipe.generate(prompts, configs)]

    def run(prompts):
        start = time.perf_counter()
        found = answers(prompts)
        seconds = time.perf_counter() - start
        # With the token that ends each answer.
        return seconds, sum(generator.count_tokens(text) + 1 for text in found)

    prompts = write_prompts(read_texts(options.data), 16, options.n_examples)
    together, again = answers(prompts), answers(prompts)
    alone = [answers([prompt], seed)[0] for seed, prompt in enumerate(prompts)]
    for what, found in (("asked again", again), ("asked alone, with the same seed", alone)):
        same = sum(one == other for one, other in zip(together, found, strict=True))
        print(f"OpenVINO: {same} of 16 answers are the same when {what}")
    return run


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
        dtype=options.dtype,
        device=options.device,
    )
    texts = read_texts(options.data)
    loaded = generator._load()
    print(
        f"{generator.model_name}, {loaded.model.dtype}, {loaded.device}, {options.threads} threads"
    )
    run_sklw(generator, write_prompts(texts, 2, options.n_examples))  # all warm
    rivals = list(contenders(generator, options, 1))[1:]
    heads = ["batch", "answers a prompt", "texts", "sklw"]
    heads += [cell for rival in rivals for cell in (rival, "ratio")]
    print(f"| {' | '.join(heads)} |")
    print("|---:" * len(heads) + "|")
    for batch_size, answers in product(options.batch_sizes, options.answers):
        n_texts = options.n_texts or max(16, min(256, 2 * batch_size))
        prompts = write_prompts(texts, n_texts, options.n_examples, answers)
        speeds = []
        for name, run in contenders(generator, options, batch_size).items():
            if name == "compiled":
                run(prompts)
            seconds, tokens = run(prompts)
            speeds.append(tokens / seconds)
        cells = [f"{speeds[0]:.0f}"]
        for speed in speeds[1:]:
            cells += [f"{speed:.0f}", f"{speeds[0] / speed:.1f}"]
        print(f"| {batch_size} | {answers} | {len(prompts)} | {' | '.join(cells)} |", flush=True)


def contenders(generator, options, batch_size):
    """Return what answers prompts: sklw, its rival, and what the options add."""
    ours = clone(generator).set_params(batch_size=batch_size)
    runs = {
        "sklw": lambda prompts: run_sklw(ours, prompts),
        "model.generate": lambda prompts: run_transformers(generator, prompts, options, batch_size),
    }
    if options.compile:
        compiled = clone(ours).set_params(compile=True)
        runs["compiled"] = lambda prompts: run_sklw(compiled, prompts)
    if options.continuous:
        runs["continuous batching"] = continuous(generator, options)
    if options.ctranslate2:
        runs["CTranslate2"] = ctranslate2(generator, options, batch_size)
    if options.openvino:
        runs["OpenVINO"] = openvino(generator, options, batch_size)
    if options.url:
        endpoint = OpenAIGenerator(
            options.model,
            base_url=options.url,
            prompting="completion",
            temperature=options.temperature,
            top_p=options.top_p,
            max_new_tokens=options.max_new_tokens,
            max_concurrency=batch_size,
            timeout=600,
        )
        runs["server"] = lambda prompts: run_sklw(endpoint, prompts)
    return runs


if __name__ == "__main__":
    main()
