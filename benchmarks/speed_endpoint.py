"""Requests at once against one at a time, at a real endpoint.

Start a server that batches, for example the one that ships with transformers, with the embedded
model's converted weights (``pip install "transformers[serving]"``)::

    transformers serve FOLDER --port 8000 --continuous-batching
    python benchmarks/speed_endpoint.py --model FOLDER --url http://localhost:8000/v1

With ``--bare`` the official client alone is timed beside it, with as many threads.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

from sklw import OpenAIGenerator
from sklw.generators import Request


def bare(arguments: argparse.Namespace, requests: list[Request]) -> float:
    """Return the seconds that the official client takes, with threads."""
    import openai

    n_threads = max(arguments.concurrency)
    with openai.OpenAI(base_url=arguments.url, api_key="none") as client:

        def ask(request: Request) -> object:
            return client.completions.create(
                model=arguments.model,
                prompt=str(request.prompt),
                seed=request.seed,
                max_tokens=arguments.max_new_tokens,
            )

        start = time.perf_counter()
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(ask, requests))
        return time.perf_counter() - start


def main() -> None:
    """Time the same number of requests at several concurrencies."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=32)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--bare", action="store_true")
    arguments = parser.parse_args()
    durations, speeds = {}, {}
    for concurrency in [max(arguments.concurrency), *arguments.concurrency]:  # the first warms up
        generator = OpenAIGenerator(
            arguments.model,
            base_url=arguments.url,
            prompting="completion",
            max_new_tokens=arguments.max_new_tokens,
            max_concurrency=concurrency,
            timeout=600,
        )
        requests = [
            Request(f"Message {i} from a tenant to the landlord: The", seed=i)
            for i in range(arguments.requests)
        ]
        start = time.perf_counter()
        answers = generator.generate(requests)
        durations[concurrency] = time.perf_counter() - start
        tokens = sum(answer.completion_tokens for answer in answers)
        speeds[concurrency] = tokens / durations[concurrency]
    base = speeds[arguments.concurrency[0]]
    print("| requests at once | tokens/s | ratio |\n|---:|---:|---:|")
    for concurrency in arguments.concurrency:
        speed = speeds[concurrency]
        print(f"| {concurrency} | {speed:.0f} | {speed / base:.1f} |")
    if arguments.bare:
        seconds = durations[max(arguments.concurrency)]
        print(f"{len(requests) / seconds:.0f} requests/s", end=", ")
        print(f"{len(requests) / bare(arguments, requests):.0f} by the client alone")


if __name__ == "__main__":
    main()
