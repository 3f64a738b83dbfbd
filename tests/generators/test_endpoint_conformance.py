"""Each row of the table of servers, replayed by a local one."""

import json
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklw import OpenAIGenerator
from sklw.exceptions import EndpointError
from sklw.generators import Request, RequestCache, generate_cached

# Private: what servers send is drawn at random, by the hundred, and cannot all go over a socket.
from sklw.generators._endpoint.answers import read_answer
from sklw.generators._endpoint.errors import Fault, read_error
from sklw.generators._endpoint.limits import asked_wait
from sklw.generators._endpoint.parameters import unknown_parameter
from sklw.generators._thinking import without_thinking

sys.path.insert(0, str(Path(__file__).parent))
from _endpoint import Endpoint
from _servers import ANSWERS, ERRORS, LIMITS, PARAMETERS

KEY = "sk-very-secret-0123456789"
ODD, OTHERS = Request("a prompt", seed=1, max_new_tokens=34), [Request(f"p {i}", i) for i in (2, 3)]


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def rows(table):
    """Have a test run for each row of a table; those for which it asks again wait a second."""
    again = [getattr(row, "tries", 1) > 1 or getattr(row, "reason", "") == "error" for row in table]
    return pytest.mark.parametrize(
        "row",
        [
            pytest.param(
                row, id=f"{row.server}: {row.name}", marks=[pytest.mark.slow] if slow else []
            )
            for row, slow in zip(table, again, strict=True)
        ],
    )


def sent(row):
    """What the server does."""
    raw = isinstance(row.body, str)
    return {
        "status": getattr(row, "status", 200),
        "headers": getattr(row, "headers", {}),
        **({"raw": row.body.encode(), "type": "text/plain"} if raw else {"json": row.body}),
    }


def generator(endpoint, **kwargs):
    return OpenAIGenerator(
        "tiny", base_url=endpoint.url, api_key_env="MY_KEY", max_retries=2, timeout=20, **kwargs
    )


@rows(ANSWERS)
def test_an_answer_is_read(row):
    with Endpoint(lambda prompt, nth: sent(row) if prompt == ODD.prompt else None) as endpoint:
        found, *others = generator(endpoint, prompting=row.prompting).generate([ODD, *OTHERS])
    answer = without_thinking(found)
    assert (answer.text, answer.finish_reason) == (row.text, row.reason)
    assert answer.cut == (row.reason not in ("stop", "empty", "error"))
    assert row.said in answer.metadata.get("error", "")
    assert "data:" not in answer.metadata.get("error", "")
    if row.tokens is not None:
        assert (answer.prompt_tokens, answer.completion_tokens) == row.tokens
    assert [other.finish_reason for other in others] == ["stop", "stop"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "kept"),
    [(row, bool(row.text) or row.filtered) for row in ANSWERS],
    ids=[f"{row.server}: {row.name}" for row in ANSWERS],
)
def test_nothing_that_was_cut_before_it_began_is_kept(row, kept, tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    with Endpoint(lambda prompt, nth: sent(row)) as endpoint:
        generate_cached(generator(endpoint, prompting=row.prompting), [ODD], cache)
    assert len(cache) == kept


@rows(ERRORS)
def test_an_error_is_told_in_the_servers_words(row):
    with Endpoint(lambda prompt, nth: sent(row) if prompt == ODD.prompt else None) as endpoint:
        asking = generator(endpoint, max_concurrency=1)
        if row.message:
            with pytest.raises(EndpointError, match=row.message) as caught:
                asking.generate([ODD, *OTHERS])
            assert row.said in str(caught.value)
            assert caught.value.__context__ is None
        else:
            found, *others = asking.generate([ODD, *OTHERS])
            assert (found.text, found.finish_reason) == ("", "error")
            assert row.said in found.metadata["error"]
            assert [other.finish_reason for other in others] == ["stop", "stop"]
        assert endpoint.asked[ODD.prompt] == row.tries


@rows(PARAMETERS)
def test_a_field_that_the_server_does_not_know_is_left_out(row):
    def script(prompt, nth):
        return sent(row) if row.name in endpoint.bodies[-1] else {"text": "a row"}

    asked = [
        Request("same", seed=i, stop=("\n",), schema={"type": "object"}, max_new_tokens=9)
        for i in range(4)
    ]
    with Endpoint(script) as endpoint:
        asking = generator(
            endpoint, samples_per_request=2, top_p=0.5, temperature=0.5, max_concurrency=1
        )
        answers = asking.generate(asked)
    assert [answer.text for answer in answers] == ["a row"] * 4
    assert asking.unsupported_ == {row.name}
    assert sum(row.name in body for body in endpoint.bodies) == 1
    if row.name == "max_tokens":
        assert endpoint.bodies[-1]["max_completion_tokens"] == 9


@pytest.mark.slow
@rows(LIMITS)
def test_a_limit_is_waited_for(row):
    times = []

    def script(prompt, nth):
        times.append(time.monotonic())
        return sent(row) if nth == 0 else None

    with Endpoint(script) as endpoint:
        assert generator(endpoint).generate([ODD])[0].finish_reason == "stop"
    assert len(times) == 2
    waited = times[1] - times[0]
    assert waited >= (row.seconds if row.seconds is not None else 0)
    assert waited < (row.seconds or 0.5) * 1.1 + 1.5


NO_WAITS = {
    "seconds": {"Retry-After": "0"},
    "thousandths": {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "15ms"},
    "now": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT",
            "Date": "Wed, 21 Oct 2015 07:28:00 GMT"},
}  # fmt: skip


@pytest.mark.parametrize("headers", NO_WAITS.values(), ids=NO_WAITS)
def test_a_wait_of_nothing_grows_from_try_to_try(headers):
    times = []

    def script(prompt, nth):
        times.append(time.monotonic())
        return {"status": 429, "headers": headers, "json": {"error": {"message": "slow down"}}}

    with Endpoint(script) as endpoint, pytest.raises(EndpointError, match="after 3 tries"):
        generator(endpoint).generate([ODD])
    assert times[1] - times[0] >= 0.5 * 0.75
    assert times[2] - times[1] >= 1.0 * 0.75


@pytest.mark.parametrize("headers", [{"Retry-After": "86400"}, {"retry-after-ms": "1e9"}])
def test_a_wait_without_hope_is_not_begun(headers):
    start = time.monotonic()
    fault = {"status": 429, "headers": headers, "json": {"error": {"message": "daily limit"}}}
    with (
        Endpoint(lambda prompt, nth: fault) as endpoint,
        pytest.raises(EndpointError, match=r"daily limit.*Lower max_concurrency"),
    ):
        generator(endpoint).generate([ODD])
    assert time.monotonic() - start < 5
    assert len(endpoint.bodies) == 1


def test_a_forgotten_v1_is_suggested():
    with Endpoint(lambda prompt, nth: {"status": 404, "json": {"detail": "Not Found"}}) as endpoint:
        root = endpoint.url.removesuffix("/v1")
        for url in (root, root + "/", root + "/api"):
            with pytest.raises(EndpointError, match=f"Try base_url='{url.rstrip('/')}/v1'"):
                OpenAIGenerator("tiny", base_url=url).generate([ODD])
        with pytest.raises(EndpointError, match="Check model and base_url"):
            OpenAIGenerator("tiny", base_url=endpoint.url).generate([ODD])


WORDS = st.sampled_from(
    ["choices", "message", "content", "text", "type", "error", "code", "usage", "prompt_tokens",
     "completion_tokens", "finish_reason", "stop", "detail", "loc", "msg", "body", "n", "delta"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(WORDS, parts, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(st.fixed_dictionaries({}, optional={"choices": st.lists(JSON) | JSON, "usage": JSON}) | JSON)
@settings(max_examples=300, deadline=None)
def test_whatever_a_server_sends_is_an_answer_or_a_fault(body):
    for content in (json.dumps(body).encode(), b"data: " + json.dumps(body).encode()):
        found = read_answer({}, content, ODD, 34, OpenAIGenerator("tiny").count_tokens)
        if isinstance(found, Fault):
            assert found.kind
        else:
            assert all(without_thinking(answer).prompt_tokens >= 0 for answer in found)
        for status in (200, 400, 404, 429, 500):
            fault = read_error(status, {}, content)
            unknown_parameter(fault, {"seed": 1, "n": 2, "temperature": 1.0})


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "PT1M30S"}, "", 90),
        ({"retry-after": "00:01:30"}, "", 90),
        ({"retry-after": "2015-10-21T07:28:30Z", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 30),
        ({}, "Try again in 1 minute and 20 seconds.", 80),
        ({}, '{"retry_after_ms": 1500}', 1.5),
        ({}, '{"retry_after": 12.5}', 12.5),
        (
            {
                "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
            },
            "", 360,
        ),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s"}, "", None),
        ({"x-ratelimit-remaining-tokens": "0"}, "", None),
        ({}, "5 models are available", None),
        ({}, "Rate limit: tokens available: 3500, requested: 4200", None),
        ({}, '{"available": 3500}', None),
        ({}, "Capacity is available again in 20 seconds", 20),
    ],
)  # fmt: skip
def test_seconds_to_wait_are_read(headers, body, seconds):
    assert asked_wait(headers, body) == seconds


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("written", ["{}", "Bearer {}", "long " * 35 + "{}"])
def test_a_key_that_a_server_sends_back_is_hidden_however_it_is_written(
    status, written, monkeypatch
):
    key = "ab+/secret0123456789=="
    monkeypatch.setenv("MY_KEY", key)
    forms = [key, quote(key), quote(key, safe=""), key.replace("/", r"\/")]
    # After a 200 it is asked again, with pauses: one form is enough.
    for form in forms[2:3] if status == 200 else forms:
        bodies = [written.format(form), json.dumps({"error": {"message": written.format(form)}})]
        for body in bodies:
            fault = {"status": status, "raw": body.encode()}
            with Endpoint(lambda prompt, nth, fault=fault: fault) as endpoint:
                asking = generator(endpoint).set_params(max_retries=0)
                try:
                    [found] = asking.generate([ODD])
                    said = found.metadata["error"]
                except EndpointError as error:
                    said = str(error)
            assert "***" in said
            assert "secret" not in said


LONG = ["<", "<script>", "<!--", "1", " ", "retry ", "retry in 1", "{", '{"error":', "model ", "a"]


@pytest.mark.parametrize("part", LONG)
def test_long_errors_take_no_time(part):
    start = time.process_time()
    for head in (b"", b"<html>", b"please retry in "):
        for status in (200, 400, 429):
            content = head + part.encode() * 200_000
            fault = read_error(status, {"retry-after": (part * 20_000).strip()}, content)
            unknown_parameter(fault, {"seed": 1, "n": 2, "temperature": 1.0})
    assert time.process_time() - start < 8
