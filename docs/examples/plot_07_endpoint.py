"""
A model behind an endpoint
==========================

``OpenAIGenerator`` talks to anything that speaks the OpenAI protocol: vLLM, SGLang, Ollama,
llama.cpp, ``transformers serve`` or a provider.

The documentation is built without a network, so the server on this page is a few lines of Python
that answer with recorded rows. The requests are real, the model is not.
"""

# %%
# The server
# ----------

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pandas as pd

rows = pd.read_csv("rewritten_requests.csv").query("label == 'hazard'")["text"].tolist()
n_requests = 0


class Server(BaseHTTPRequestHandler):
    """Answer each chat with the next recorded row."""

    def do_POST(self):
        global n_requests
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        n_requests += 1
        words = sum(len(message["content"].split()) for message in body["messages"])
        text = rows[n_requests % len(rows)]
        message = {"role": "assistant", "content": text}
        answer = {
            "id": str(n_requests),
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": words,
                "completion_tokens": len(text.split()),
                "total_tokens": words + len(text.split()),
            },
        }
        payload = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        """Say nothing on standard error."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()

# %%
# Before anything is sent
# -----------------------
# ``estimate`` counts requests, tokens and cost. A ``Budget`` ends generation before a limit is
# exceeded.

import os
import tempfile

from sklw import LLMOverSampler, OpenAIGenerator
from sklw.datasets import load_maintenance_requests
from sklw.generators import Budget

os.environ["EXAMPLE_KEY"] = "any"  # a real key belongs in the environment, never in the script
requests = load_maintenance_requests()
generator = OpenAIGenerator(
    "my-model",
    base_url=f"http://127.0.0.1:{server.server_port}/v1",
    api_key_env="EXAMPLE_KEY",
    max_concurrency=4,
)
folder = tempfile.TemporaryDirectory()
sampler = LLMOverSampler(
    generator=generator,
    sampling_strategy={"hazard": 160},
    task=requests.task,
    label_descriptions=requests.label_descriptions,
    budget=Budget(max_cost=0.05, prompt_price=0.15, completion_price=0.60),
    cache=f"{folder.name}/answers.sqlite",
    random_state=0,
    verbose=False,
)
sampler.estimate(requests.data, requests.target)

# %%
# Fill the class
# --------------

X, y = sampler.fit_resample(requests.data, requests.target)
print(sampler.usage_)
print("requests at the server:", n_requests)

# %%
# When we fit again, the answers come from the cache and the server is not asked.

sampler.fit_resample(requests.data, requests.target)
print(sampler.usage_)
print("requests at the server:", n_requests)
server.shutdown()

# %%
# This is what became of the candidates:

import matplotlib.pyplot as plt

provenance = sampler.provenance_
verdicts = provenance["reason"].where(~provenance["accepted"], "accepted").value_counts()
_, ax = plt.subplots(figsize=(7, 2), layout="constrained")
ax.barh(verdicts.index, verdicts)
ax.set_xlabel("candidates")
plt.show()
folder.cleanup()
