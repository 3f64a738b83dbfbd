"""Requests at once against one at a time, at a real endpoint.

Start a server that batches, for example the one that ships with transformers, with the embedded
model's converted weights (``pip install "transformers[serving]"``)::

    transformers serve FOLDER --port 8000 --continuous-batching
    python benchmarks/speed_endpoint.py --model FOLDER --url http://localhost:8000/v1
"""

import argparse
import time

from sklw import OpenAIGenerator
from sklw.generators import Request


def main() -> None:
    """Time the same number of requests at several concurrencies."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=32)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 16])
    arguments = parser.parse_args()
    speeds = {}
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
        seconds = time.perf_counter() - start
        tokens = sum(answer.completion_tokens for answer in answers)
        speeds[concurrency] = tokens / seconds
    base = speeds[arguments.concurrency[0]]
    print("| requests at once | tokens/s | ratio |\n|---:|---:|---:|")
    for concurrency in arguments.concurrency:
        speed = speeds[concurrency]
        print(f"| {concurrency} | {speed:.0f} | {speed / base:.1f} |")


if __name__ == "__main__":
    main()
