import json
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from sklw import LLMOverSampler, OpenAIGenerator
from sklw.exceptions import EndpointError
from sklw.generators import (
    Budget,
    Request,
    RequestCache,
    Usage,
    generate_cached,
    iter_cached,
    iter_within,
)
from sklw.over_sampling import Examples, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _endpoint import Endpoint

KEY = "sk-very-secret-0123456789"
REQUESTS = [Request(f"prompt {i:02d}", seed=i) for i in range(12)]
PIPES = (
    [f"the pipe in flat {i} leaks again" for i in range(20)],
    ["routine"] * 16 + ["hazard"] * 4,
)
FAST = {"max_retries": 2, "timeout": 2.0}


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def generator(endpoint, **kwargs):
    return OpenAIGenerator(
        "tiny", base_url=endpoint.url, api_key_env="MY_KEY", **{**FAST, **kwargs}
    )


@pytest.mark.parametrize("prompting", ["chat", "completion"])
def test_answers_come_back_in_their_places(prompting):
    with Endpoint() as endpoint:
        answers = generator(endpoint, prompting=prompting, top_p=0.9).generate(REQUESTS)
    assert [a.text for a in answers] == [f"answer to prompt {i:02d} {i}" for i in range(12)]
    assert {(a.prompt_tokens, a.completion_tokens, a.finish_reason) for a in answers} == {
        (7, 3, "stop")
    }
    assert endpoint.bodies[0]["top_p"] == 0.9
    assert endpoint.bodies[0]["max_tokens"] == 256
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"


NUMBERS = {
    "temperature": np.float32(0.5), "top_p": np.float16(0.75), "max_new_tokens": np.int64(9),
    "thinking_tokens": np.uint8(250), "samples_per_request": np.int8(2),
    "max_concurrency": np.uint8(128), "timeout": np.float16(2), "max_retries": np.uint8(255),
    "extra_body": {"top_k": np.int64(5), "bias": {"a": np.float32(0.5), "b": np.arange(2)}},
}  # fmt: skip


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_numpy_are_like_others(name, tmp_path):
    """As a search over np.arange or np.linspace(..., dtype=np.float32) gives them."""
    value = NUMBERS[name]
    plain = {"top_k": 5, "bias": {"a": 0.5, "b": [0, 1]}} if name == "extra_body" else value.item()
    requests = [Request("same", seed=np.int64(7), max_new_tokens=np.int64(8))]
    cache = RequestCache(tmp_path)
    with Endpoint() as endpoint:
        for given in ({name: value}, {name: plain}):
            asking = generator(endpoint, **given)
            assert asking.generate(requests)[0].finish_reason == "stop"
            assert generate_cached(asking, requests, cache)[0].finish_reason == "stop"
    first, cached, second = endpoint.bodies  # the fourth was found in the cache
    assert first == cached == second


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()])
def test_an_extra_field_that_is_no_json_is_refused(value, tmp_path):
    with Endpoint() as endpoint:
        asking = generator(endpoint, extra_body={"logit_bias": value})
        for cache in (None, RequestCache(tmp_path)):
            with pytest.raises(TypeError, match=r"extra_body=.*logit_bias.*cannot be sent as JSON"):
                generate_cached(asking, REQUESTS, cache)
    assert not endpoint.bodies


@pytest.mark.parametrize(
    "request_", [Request("p", 0, schema={"enum": {1, 2}}), Request("half of \ud83d", 0)]
)
def test_a_request_that_cannot_be_written_is_no_fault_of_the_connection(request_):
    with Endpoint() as endpoint, pytest.raises(EndpointError, match=r"was not asked: .*schemas"):
        generator(endpoint).generate([request_])
    assert not endpoint.bodies


def test_requests_go_out_together_up_to_the_limit():
    with Endpoint(seconds=0.1) as endpoint:
        generator(endpoint, max_concurrency=4).generate(REQUESTS)
        assert endpoint.most_running == 4


def test_one_prompt_asked_often_is_sent_with_n():
    alike = [Request("same", seed=i, stop=("\n",)) for i in range(7)]
    with Endpoint() as endpoint:
        answers = generator(endpoint, samples_per_request=4).generate([*alike, REQUESTS[0]])
    assert sorted(body.get("n", 1) for body in endpoint.bodies) == [1, 3, 4]
    assert len(answers) == 8
    assert sum(a.prompt_tokens for a in answers) == 3 * 7
    assert sum(a.completion_tokens for a in answers) == 8 * 3


def test_a_server_that_gives_fewer_answers_than_asked_for_is_asked_again():
    alike = [Request("same", seed=i) for i in range(4)]
    with Endpoint(lambda prompt, nth: {"choices": 1}) as endpoint:
        assert len(generator(endpoint, samples_per_request=4).generate(alike)) == 4
    assert len(endpoint.bodies) == 4


PASSING = {
    "too many requests": {"status": 429, "headers": {"Retry-After": "1"}, "json": {"error": {}}},
    "server error": {"status": 500, "json": {"error": {"message": "out of luck"}}},
    "reset": {"reset": True},
    "cut json": {"cut": 40},
    "broken off": {"missing": 40},
    "no gzip": {"headers": {"Content-Encoding": "gzip"}},
    "hang": {"hang": 5},
    "drip": {"drip": 5},
    "wrong schema": {"json": {"result": "text"}},
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_failures_that_pass_are_tried_again_and_nothing_else_is(fault):
    def script(prompt, nth):
        return fault if prompt == "prompt 03" and nth == 0 else None

    start = time.monotonic()
    with Endpoint(script) as endpoint:
        answers = generator(endpoint).generate(REQUESTS)
    assert [a.text for a in answers] == [f"answer to prompt {i:02d} {i}" for i in range(12)]
    assert endpoint.asked["prompt 03"] == 2
    assert sum(endpoint.asked.values()) == 13
    assert time.monotonic() - start < 15
    if "Retry-After" in fault.get("headers", {}):
        assert time.monotonic() - start > 0.9


LASTING = {
    "too many requests": ({"status": 429, "json": {"error": {}}}, "too many requests after 3"),
    "server error": ({"status": 503, "json": {"error": {}}}, "failed after 3 tries"),
    "reset": ({"reset": True}, "cannot be reached after 3 tries"),
    "cut json": ({"cut": 40}, "sent what cannot be read"),
    "broken off": ({"missing": 40}, "sent what cannot be read: peer closed connection"),
    "no gzip": (PASSING["no gzip"], "sent what cannot be read"),
    "hang": ({"hang": 3}, "no answer within 1 seconds after 3 tries"),
    "drip": ({"drip": 5}, "no answer within 1 seconds after 3 tries"),
    "wrong schema": ({"json": {"result": "text"}}, "sent what cannot be read"),
    "no model": ({"status": 404, "json": {"error": {}}}, "no model 'tiny'"),
    "key": ({"status": 401, "json": {"error": {"message": f"bad {KEY}"}}}, "refused the key"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "message"), LASTING.values(), ids=LASTING)
def test_what_was_answered_before_a_failure_is_kept_and_not_sent_again(fault, message, tmp_path):
    broken = True

    def script(prompt, nth):
        return fault if broken and prompt == "prompt 05" else None

    cache = RequestCache(tmp_path / "cache.sqlite")
    start = time.monotonic()
    with Endpoint(script) as endpoint:
        asking = generator(endpoint, max_concurrency=2, timeout=1.0)
        kept = {}
        with pytest.raises(EndpointError, match=message) as caught:
            kept.update(iter_cached(asking, REQUESTS, cache))
        assert time.monotonic() - start < 20
        assert set(kept) >= {0, 1, 2, 3, 4}
        assert KEY not in "".join(traceback.format_exception(caught.value))
        broken = False
        answers = generate_cached(asking, REQUESTS, cache)
    assert [a.text for a in answers] == [f"answer to prompt {i:02d} {i}" for i in range(12)]
    assert all(count == 1 for prompt, count in endpoint.asked.items() if prompt != "prompt 05")


def test_the_server_dies_half_way(tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    endpoint = Endpoint(seconds=0.05)
    asking = generator(endpoint, max_concurrency=2, max_retries=1)
    kept = []

    def keep():
        for index, _ in iter_cached(asking, REQUESTS, cache):
            kept.append(index)
            if len(kept) == 6:
                endpoint.stop()

    with pytest.raises(EndpointError, match="cannot be reached"):
        keep()
    assert 6 <= len(kept) < 12
    # The base_url is part of the key, so the answers are found without any server.
    again = [i for i, a in iter_cached(asking, [REQUESTS[i] for i in kept], cache) if a.cached]
    assert len(again) == len(kept)


def refusal(message, status=400, **fields):
    return {"status": status, "json": {"error": {"message": message, **fields}}}


@pytest.mark.parametrize(
    ("what", "text", "reason", "asked"),
    [
        ({"choices": 0}, "", "empty", 2),
        ({"json": {"choices": [{"index": 0, "message": {"content": None}}]}}, "", "empty", 2),
        ({"text": ""}, "", "empty", 2),
        ({"text": "\n"}, "\n", "empty", 2),
        ({"text": "<stop> or not"}, "", "stop", 1),
        ({"text": "word " * 20_000}, ("word " * 20_000)[: 8 * 256], "length", 1),
        (refusal("no", code="content_filter", param="prompt"), "", "error", 1),
        (refusal("Your input was flagged", 403), "", "error", 1),
        (refusal("Your account was flagged; verify your organization", 403), "", "error", 2),
        (refusal("reasoning_effort must be one of low, moderate, high"), "", "error", 2),
        (refusal("Invalid value: 'safety_settings'"), "", "error", 2),
        (refusal("Bad content policy", param="guardrail"), "", "error", 2),
        (refusal("max_tokens is inappropriate"), "", "error", 2),
        ({"status": 400, "json": {"error": {"message": "nothing is read"}}}, "", "error", 2),
        ({"status": 413, "json": {"error": {"message": "too large"}}}, "", "error", 2),
    ],
)
def test_odd_answers_are_answers_and_those_that_last_are_kept(what, text, reason, asked, tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    requests = [replace(request, stop=("<stop>",)) for request in REQUESTS[:3]]
    with Endpoint(lambda prompt, nth: what if prompt == "prompt 01" else None) as endpoint:
        answers = generate_cached(generator(endpoint), requests, cache)
        assert (answers[1].text, answers[1].finish_reason) == (text, reason)
        assert [a.finish_reason for a in answers[::2]] == ["stop", "stop"]
        again = generate_cached(generator(endpoint), requests, cache)
    assert [a.text for a in again] == [a.text for a in answers]
    assert again[1].metadata == answers[1].metadata
    assert endpoint.asked["prompt 01"] == asked


@pytest.mark.parametrize("name", ["seed", "n", "response_format", "stop", "top_p", "max_tokens"])
def test_what_a_server_does_not_know_is_left_out(name):
    def script(prompt, nth):
        if name in endpoint.bodies[-1]:
            message = f"Unsupported parameter: '{name}'."
            if name == "max_tokens":
                message += " Use 'max_completion_tokens' instead."
            return {"status": 400, "json": {"error": {"message": message}}}
        return {"text": "one\ntwo"}

    requests = [Request("same", seed=i, stop=("\n",), schema={"type": "object"}) for i in range(4)]
    with Endpoint(script) as endpoint:
        asking = generator(endpoint, samples_per_request=2, top_p=0.5, max_concurrency=1)
        answers = asking.generate(requests)
    assert [a.text for a in answers] == ["one"] * 4
    assert asking.unsupported_ == {name}
    if name == "max_tokens":
        assert endpoint.bodies[-1]["max_completion_tokens"] == 256


def interrupt_when(condition, times=1):
    """Press Ctrl-C when something has come to pass, and again half a second later."""

    def press():
        while not condition():
            time.sleep(0.02)
        for _ in range(times):
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_an_interrupt_waits_for_what_is_on_its_way(capsys):
    with Endpoint(seconds=1.5) as endpoint:
        kept = []
        interrupt_when(lambda: endpoint.running == 3)

        def keep():
            for index, _ in generator(endpoint, max_concurrency=3).iter_generate(REQUESTS):
                kept.append(index)

        with pytest.raises(KeyboardInterrupt):
            keep()
        assert sorted(kept) == [0, 1, 2]
        assert sum(endpoint.asked.values()) == 3
    said = "Waiting for 3 requests under way; press Ctrl-C again to stop at once."
    assert capsys.readouterr().err.splitlines() == [said]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"hang": 60}, {"status": 503}, {"status": 429}, {"reset": True}])
def test_after_an_interrupt_a_silent_or_failing_server_is_not_asked_again(fault):
    with Endpoint(lambda prompt, nth: fault if prompt > "prompt 01" else None) as endpoint:
        kept = []
        interrupt_when(lambda: len(endpoint.bodies) >= 6)

        def keep():
            asking = generator(endpoint, max_concurrency=4, timeout=3.0, max_retries=20)
            for index, answer in asking.iter_generate(REQUESTS):
                if answer.finish_reason != "error":  # of what was sent, and may be paid for
                    kept.append(index)

        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            keep()
        asked = sum(endpoint.asked.values())
        assert time.monotonic() - start < 15  # twenty tries would take minutes
        assert sorted(kept) == [0, 1]
        time.sleep(1.0)
        assert sum(endpoint.asked.values()) == asked


def test_a_second_interrupt_gives_up_what_is_on_its_way_and_keeps_the_rest(tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    with Endpoint(lambda prompt, nth: {"hang": 30} if prompt > "prompt 03" else None) as endpoint:
        kept, start = [], time.monotonic()
        interrupt_when(lambda: len(kept) == 4, times=2)

        def keep():
            asking = generator(endpoint, max_concurrency=12, timeout=25.0)
            for index, _ in iter_cached(asking, REQUESTS, cache):
                kept.append(index)

        with pytest.raises(KeyboardInterrupt):
            keep()
        assert time.monotonic() - start < 15
    assert sorted(kept) == [0, 1, 2, 3]
    assert len(cache) == 4


@pytest.mark.slow
def test_an_interrupted_fit_has_what_was_answered_on_record():
    def script(prompt, nth):
        n = len(endpoint.bodies)
        return {"hang": 30} if n > 5 else {"text": f"smoke comes out of socket {n} in the hall"}

    with Endpoint(script) as endpoint:
        sampler = LLMOverSampler(
            generator=generator(endpoint, max_concurrency=1, timeout=3.0),
            prompt=Examples(2, answers_per_prompt=1),
            accept=TextFilter(None), random_state=0,
        )  # fmt: skip
        interrupt_when(lambda: len(endpoint.bodies) == 6)
        with pytest.raises(KeyboardInterrupt):
            sampler.fit_resample(*PIPES)
    # The last one has been sent, and may be paid for.
    assert sorted(sampler.provenance_["message"]) == [""] * 5 + ["no answer within 3 seconds"]
    assert sampler.provenance_["accepted"].sum() == 5
    assert sampler.usage_.requests == 6


def test_closing_early_keeps_what_is_on_its_way(tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    with Endpoint(seconds=0.2) as endpoint:
        answers = iter_cached(generator(endpoint, max_concurrency=3), REQUESTS, cache)
        next(answers)
        answers.close()
        sent = sum(endpoint.asked.values())
        assert 3 <= sent < len(REQUESTS)
        assert len(cache) == sent


SECRET = "topsecret"
WITH_SECRETS = [
    f"http://me:{SECRET}@HOST/v1",
    f"http://{SECRET}@HOST/v1",
    f"http://me:pa/{SECRET}@HOST/v1",
    f"me:{SECRET}@HOST/v1",
    f"http://HOST/v1?api_key={SECRET}",
    f"http://HOST/v1?api-version=1&token={SECRET}",
    f"http://HOST/v1#key={SECRET}",
]


@pytest.mark.parametrize("url", WITH_SECRETS)
@pytest.mark.parametrize("where", ["parameter", "environment"])
def test_a_secret_in_an_address_is_refused_and_shown_nowhere(
    url, where, tmp_path, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    with Endpoint() as endpoint:
        url = url.replace("HOST", endpoint.url.split("/")[2])
        if where == "environment":
            monkeypatch.setenv("OPENAI_BASE_URL", url)
        asking = OpenAIGenerator("tiny", base_url=url if where == "parameter" else None)
        sampler = LLMOverSampler(generator=asking, cache=tmp_path / "cache.sqlite")
        with pytest.raises(EndpointError, match="api_key_env") as caught:
            sampler.fit_resample(*PIPES)
        assert not endpoint.bodies
    shown = [
        repr(sampler), str(asking.get_params()), str(asking.cache_key()), caplog.text,
        sampler._repr_html_(), asking._repr_html_(), repr(clone(asking)),
        "".join(traceback.format_exception(caught.value)),
    ]  # fmt: skip
    assert SECRET not in " ".join(shown)
    assert SECRET.encode() not in pickle.dumps(sampler)
    again = pickle.loads(pickle.dumps(asking))
    assert clone(again).base_url == again.base_url


@pytest.mark.parametrize(
    "key",
    ["sk-proj-abc123def456ghi789", "gsk_Ab3Cd5Ef7Gh9Ij1Kl3Mn5", "0123456789abcdef0123456789abcdef",
     "AIzaSyD-abcdefghijklmnop", "AIzaSyDabcdefghijklmnop123"],
)  # fmt: skip
def test_a_key_in_place_of_a_variables_name_is_refused_and_shown_nowhere(key, caplog):
    caplog.set_level(logging.DEBUG)
    with Endpoint() as endpoint:
        asking = OpenAIGenerator("tiny", base_url=endpoint.url, api_key_env=key)
        sampler = LLMOverSampler(generator=asking)
        with pytest.raises(EndpointError, match="api_key_env wants a variable's NAME") as caught:
            sampler.fit_resample(*PIPES)
        assert not endpoint.bodies
    shown = [repr(sampler), sampler._repr_html_(), caplog.text, str(asking.get_params())]
    assert key not in " ".join([*shown, *traceback.format_exception(caught.value)])
    assert key.encode() not in pickle.dumps(asking)
    again = pickle.loads(pickle.dumps(asking))
    assert clone(again).api_key_env == again.api_key_env


@pytest.mark.parametrize("name", ["MY_KEY", "OPENAI_API_KEY_2", "my_key", "GPT4_KEY", "_K"])
def test_names_of_variables_are_left_alone(name, monkeypatch):
    monkeypatch.setenv(name, KEY)
    with Endpoint() as endpoint:
        OpenAIGenerator("tiny", base_url=endpoint.url, api_key_env=name).generate(REQUESTS[:1])
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_version_in_the_address_is_sent():
    with Endpoint() as endpoint:
        asking = OpenAIGenerator("tiny", base_url=endpoint.url + "?api-version=preview")
        asking.generate(REQUESTS[:1])
    assert endpoint.paths == ["/v1/chat/completions?api-version=preview"]


BAD_ADDRESSES = {
    "no scheme": ("localhost:8000/v1", "has no scheme: write 'http://localhost:8000/v1'"),
    "half a scheme": ("//localhost:8000/v1", "has no scheme: write 'http://localhost:8000/v1'"),
    "another scheme": ("ftp://localhost/v1", "has no scheme: write 'http://localhost/v1'"),
    "port too high": ("http://localhost:99999/v1", "Port out of range"),
    "port of letters": ("http://localhost:80a/v1", "is no address"),
    "no host": ("http:///v1", "names no host"),
    "white space": ("http://localhost:8000/v1\n", "white space"),
    "too much": ("http://localhost/v1/chat/completions", "ends in '/chat/completions'"),
}


@pytest.mark.parametrize(("url", "message"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
def test_an_address_that_is_none_is_refused_at_once(url, message):
    start = time.monotonic()
    for requests in (REQUESTS, []):
        with pytest.raises(EndpointError, match=message):
            OpenAIGenerator("tiny", base_url=url).generate(requests)
    assert time.monotonic() - start < 1


def test_a_port_without_a_server_is_no_passing_failure():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    start = time.monotonic()
    with pytest.raises(EndpointError, match=r"cannot be reached: .*base_url's host and port"):
        OpenAIGenerator("tiny", base_url=url).generate(REQUESTS)
    assert time.monotonic() - start < 2


def test_tls_where_there_is_none_says_so():
    with Endpoint() as endpoint, pytest.raises(EndpointError, match="write 'http://127"):
        OpenAIGenerator("tiny", base_url="https" + endpoint.url[4:]).generate(REQUESTS[:1])


def _send_all(url, path):
    os.environ["MY_KEY"] = KEY
    asking = OpenAIGenerator("tiny", base_url=url, api_key_env="MY_KEY", max_concurrency=8)
    requests = [Request(f"prompt {i}", seed=i) for i in range(500)]
    generate_cached(asking, requests, RequestCache(path))


@pytest.mark.slow
def test_after_a_kill_only_the_unanswered_are_sent(tmp_path):
    path = tmp_path / "cache.sqlite"
    with Endpoint(seconds=0.02) as endpoint:
        process = multiprocessing.get_context("spawn").Process(
            target=_send_all, args=(endpoint.url, path)
        )
        process.start()
        while sum(endpoint.asked.values()) < 200:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        time.sleep(0.2)
        kept = len(RequestCache(path))
        assert kept > 50
        before = sum(endpoint.asked.values())
        _send_all(endpoint.url, path)
        assert sum(endpoint.asked.values()) - before == 500 - kept


def test_the_key_is_nowhere_to_be_found(tmp_path, caplog, monkeypatch):
    path = tmp_path / "cache.sqlite"
    caplog.set_level(logging.DEBUG)
    with Endpoint() as endpoint:
        asking = generator(endpoint)
        generate_cached(asking, REQUESTS[:3], RequestCache(path))
    for text in (repr(asking), str(asking.get_params()), caplog.text, str(asking.cache_key())):
        assert KEY not in text
    assert KEY.encode() not in pickle.dumps(asking)
    assert KEY.encode() not in path.read_bytes()


def test_a_missing_key_or_package_is_named(monkeypatch):
    with pytest.raises(EndpointError, match="OPENAI_API_KEY is not set"):
        OpenAIGenerator("gpt").generate(REQUESTS[:1])
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ImportError, match=r"sklw\[openai\]"):
        OpenAIGenerator("gpt").generate(REQUESTS[:1])


def test_a_local_server_needs_no_key(monkeypatch):
    monkeypatch.delenv("MY_KEY")
    with Endpoint() as endpoint:
        assert len(generator(endpoint).generate(REQUESTS[:2])) == 2


def test_a_sampler_keeps_what_it_got_when_the_endpoint_fails(tmp_path):
    texts = [f"the pipe in flat {i} leaks again" for i in range(20)]
    labels = ["routine"] * 16 + ["hazard"] * 4

    def script(prompt, nth):
        if len(endpoint.bodies) > 6:
            return {"status": 500, "json": {"error": {}}}
        return {"text": f"smoke comes out of socket number {len(endpoint.bodies)} in the hall"}

    with Endpoint(script) as endpoint:
        sampler = LLMOverSampler(
            generator=generator(endpoint, max_concurrency=1, max_retries=0),
            accept=TextFilter(None),
            prompt=Examples(answers_per_prompt=1, n_examples=2),
            random_state=0,
        )
        with pytest.raises(EndpointError, match="failed after 1 tries"):
            sampler.fit_resample(texts, labels)
    assert len(sampler.provenance_) == 6
    assert sampler.provenance_["accepted"].all()


def test_a_key_that_the_server_sends_back_is_masked_before_anything_is_cut():
    for length in (270, 282, 290, 296):
        message = "x" * length + KEY
        fault = {"status": 401, "json": {"error": {"message": message}}}
        with (
            Endpoint(lambda prompt, nth, fault=fault: fault) as endpoint,
            pytest.raises(EndpointError) as caught,
        ):
            generator(endpoint).generate(REQUESTS[:1])
        assert KEY[:12] not in str(caught.value)
        # Nor in what the error remembers of its origin.
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


def test_a_key_in_a_models_refusal_is_hidden(tmp_path):
    path = tmp_path / "cache.sqlite"
    message = {"content": None, "refusal": f"I cannot help {KEY} with that"}
    refused = {"json": {"choices": [{"message": message, "finish_reason": "stop"}]}}
    with Endpoint(lambda prompt, nth: refused) as endpoint:
        sampler = LLMOverSampler(
            generator=generator(endpoint, max_concurrency=1), cache=path, verbose=False
        )
        with pytest.raises(EndpointError, match=r"I cannot help \*\*\* with that") as caught:
            sampler.fit_resample(*PIPES)
    assert set(sampler.provenance_["message"]) == {"I cannot help *** with that"}
    assert KEY not in str(caught.value)
    assert KEY.encode() not in pickle.dumps(sampler) + path.read_bytes()


def test_an_endpoint_that_refuses_everything_is_not_asked_on_and_on():
    fault = {"status": 400, "json": {"error": {"message": "nothing is read on Sundays"}}}
    many = [Request(f"p {i}", seed=i) for i in range(100)]
    with (
        Endpoint(lambda prompt, nth: fault) as endpoint,
        pytest.raises(EndpointError, match=r"refused all .* nothing is read on Sundays"),
    ):
        generator(endpoint, max_concurrency=2).generate(many)
    assert len(endpoint.bodies) < 12


def test_an_endpoint_that_refuses_everything_ends_a_run_with_few_prompts():
    alike = [Request(f"p {i % 7}", seed=i) for i in range(100)]
    with (
        Endpoint(lambda prompt, nth: refusal("not on Sundays")) as endpoint,
        pytest.raises(EndpointError, match="refused all"),
    ):
        generator(endpoint, max_concurrency=2).generate(alike)


@pytest.mark.slow
def test_an_endpoint_that_breaks_all_answers_off_is_not_said_to_object():
    error = {"error": {"message": "backend overloaded", "code": 503}}
    broken = f'data: {{"choices":[{{"delta":{{"content":"a "}}}}]}}\n\ndata: {json.dumps(error)}\n'
    with (
        Endpoint(lambda prompt, nth: {"raw": broken.encode()}) as endpoint,
        pytest.raises(EndpointError, match=r"requests: backend overloaded. Look at the server's"),
    ):
        generator(endpoint).generate(REQUESTS)


def test_what_one_model_has_answered_says_nothing_of_another():
    script = lambda prompt, nth: refusal("no") if endpoint.bodies[-1]["model"] == "b" else None  # noqa: E731
    with Endpoint(script) as endpoint:
        asking = generator(endpoint)
        asking.generate(REQUESTS[:2])
        with pytest.raises(EndpointError, match="refused all"):
            asking.set_params(model="b").generate(REQUESTS)


@pytest.mark.parametrize("budget", [None, Budget(max_requests=99)])
def test_an_endpoint_that_has_answered_may_refuse_all_that_is_left(tmp_path, budget):
    cache = RequestCache(tmp_path / "cache.sqlite")
    fault = {"status": 400, "json": {"error": {"message": "nothing is read on Sundays"}}}
    with Endpoint(lambda prompt, nth: fault if prompt > "prompt 01" else None) as endpoint:
        for asking in (generator(endpoint), generator(endpoint), generator(endpoint)):
            found = dict(iter_within(asking, REQUESTS, cache, budget, Usage()))
            assert [found[i].finish_reason for i in range(12)] == ["stop"] * 2 + ["error"] * 10
        asking.generate(REQUESTS[2:])


@pytest.mark.parametrize(("alike", "answered"), [(1, "prompt 00"), (8, "prompt 01")])
def test_refusals_that_overtake_answers_or_share_a_prompt_end_nothing(alike, answered):
    fault = {"status": 400, "json": {"error": {"message": "content filter"}}}
    script = lambda prompt, nth: {"hang": 0.5} if prompt == answered else fault  # noqa: E731
    requests = [Request(f"prompt {i // alike:02d}", seed=i) for i in range(24)]
    with Endpoint(script) as endpoint:
        found = generator(endpoint, max_concurrency=8).generate(requests)
    assert [answer.finish_reason for answer in found].count("stop") == alike


def test_what_was_found_out_holds_for_further_calls():
    def script(prompt, nth):
        if "seed" in endpoint.bodies[-1]:
            return {"status": 400, "json": {"error": {"message": "unknown", "param": "seed"}}}
        return None

    with Endpoint(script) as endpoint:
        asking = generator(endpoint, max_concurrency=1)
        for _ in range(3):
            asking.generate(REQUESTS[:2])
    assert len(endpoint.bodies) == 7


def test_answers_without_text_are_paid_for():
    empty = {
        "choices": [{"index": 0, "message": {"content": None}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 256, "total_tokens": 756},
    }
    with Endpoint(lambda prompt, nth: {"json": empty}) as endpoint:
        sampler = LLMOverSampler(
            generator=generator(endpoint), budget=Budget(max_tokens=5000),
            prompt=Examples(1, answers_per_prompt=1),
            on_shortfall="ignore",
        )  # fmt: skip
        sampler.fit_resample([f"text number {i}" for i in range(60)], ["a"] * 50 + ["b"] * 10)
    assert sampler.usage_.prompt_tokens == 500 * len(endpoint.bodies)
    assert sampler.usage_.stopped_by == "max_tokens"
