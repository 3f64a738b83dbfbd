"""What a fit over an endpoint sends, costs and keeps, where servers count tokens or do not."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklw import LLMOverSampler, OpenAIGenerator
from sklw.exceptions import EndpointError, GenerationWarning
from sklw.generators import Budget, Request, RequestCache, Usage, generate_cached, iter_within
from sklw.over_sampling import Examples, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _endpoint import Endpoint
from _misbehaving import Misbehaving

TEXTS = [f"the pipe in flat {i} leaks again" for i in range(104)]
LABELS = ["routine"] * 84 + ["hazard"] * 20
USAGES = {
    "missing": "missing",
    "null": None,
    "empty": {},
    "zeros": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "nulls": {"prompt_tokens": None, "completion_tokens": None},
    "not a number": {"prompt_tokens": "many", "completion_tokens": float("nan")},
    "negative": {"prompt_tokens": -5, "completion_tokens": -5},
}


def answering(
    usage="missing", reason="stop", text="smoke comes out of socket number {} in the hall"
):
    def answer(n, many=1):
        choices = [
            {"index": at, "finish_reason": reason,
             "message": {"role": "assistant", "content": text.format(f"{n}{at}")}}
            for at in range(many)
        ]  # fmt: skip
        return {"choices": choices} | ({} if usage == "missing" else {"usage": usage})

    return answer


def resample(endpoint, texts=TEXTS, labels=LABELS, budget=None, at_once=1, **kwargs):
    own = {
        name: kwargs.pop(name) for name in list(kwargs) if name in OpenAIGenerator("m").get_params()
    }
    settings = {
        "prompt": Examples(2, answers_per_prompt=at_once),
        "accept": TextFilter(None),
        "max_attempts": 1,
        "on_shortfall": "ignore",
        **kwargs,
    }
    sampler = LLMOverSampler(
        generator=OpenAIGenerator("tiny", base_url=endpoint.url, **own), budget=budget,
        random_state=0, verbose=False, **settings,
    )  # fmt: skip
    sampler.fit_resample(texts, labels)
    return sampler


@pytest.mark.slow
@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_budget_holds_where_the_server_counts_no_tokens(usage, concurrency):
    answer = answering(usage)
    with Endpoint(lambda prompt, nth: {"json": answer(len(endpoint.bodies))}) as endpoint:
        budget = Budget(max_cost=0.002, prompt_price=1.0, completion_price=10.0)
        sampler = resample(endpoint, budget=budget, max_concurrency=concurrency)
        sent = len(endpoint.bodies)
    assert sampler.usage_.stopped_by == "max_cost"
    assert 2 <= sent < 64
    assert sampler.usage_.requests == sent
    per_answer = sampler.usage_.completion_tokens / sent
    assert 8 <= per_answer <= 14  # some fifty characters
    assert 0 < sampler.usage_.cost <= 0.002


def test_answers_at_the_limit_are_counted_in_full():
    answer = answering(reason="length", text="")
    with Endpoint(lambda prompt, nth: {"json": answer(1)}) as endpoint:
        sampler = resample(endpoint, max_new_tokens=20, budget=Budget(max_tokens=2000))
        assert {body["max_tokens"] for body in endpoint.bodies} == {20}
        sent = len(endpoint.bodies)
    assert sampler.usage_.completion_tokens == 20 * sent
    assert sampler.usage_.prompt_tokens + sampler.usage_.completion_tokens <= 2000


@pytest.mark.slow
def test_tokens_for_thinking_are_sent_planned_and_counted():
    answer = answering(
        text="<think>I think.</think>smoke comes out of socket number {} in the hall"
    )
    with Endpoint(lambda prompt, nth: {"json": answer(len(endpoint.bodies))}) as endpoint:
        sampler = resample(endpoint, thinking_tokens=1000, budget=Budget(max_tokens=3000))
        plain, thinking = (
            LLMOverSampler(
                generator=OpenAIGenerator("m", thinking_tokens=n), prompt=Examples(2),
                random_state=0,
            ).estimate(TEXTS, LABELS)["completion_tokens"]
            for n in (0, 1000)
        )  # fmt: skip
        limits = {body["max_tokens"] for body in endpoint.bodies}
        assert min(limits) > 1000
        # While an answer may have 1,000 tokens, only few may be on their way.
        assert endpoint.most_running <= 2
    assert sampler.provenance_["accepted"].any()
    assert not sampler.provenance_["text"].str.contains("think").any()
    assert thinking["expected"] == plain["expected"] + 64 * 1000
    assert thinking["at most"] == plain["at most"] + 64 * 8 * 1000


def test_more_answers_than_asked_for_are_paid_for():
    answer = answering({"prompt_tokens": 100, "completion_tokens": 30})
    with Endpoint(lambda prompt, nth: {"json": answer(len(endpoint.bodies), 3)}) as endpoint:
        usage = resample(endpoint, extra_body={"n": 3}).usage_
        sent = len(endpoint.bodies)
    assert (usage.requests, usage.completion_tokens) == (sent, 30 * sent)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("own", [{"max_tokens": 900}, {"max_completion_tokens": 900}, {"n": 30}])
def test_a_budget_knows_the_length_and_number_of_answers_in_extra_body(own, counts):
    written = []

    def script(prompt, nth):
        body = endpoint.bodies[-1]
        longest = max(body["max_tokens"], body.get("max_completion_tokens", 0))
        written.append(longest * body.get("n", 1))
        usage = {"prompt_tokens": 50, "completion_tokens": written[-1]} if counts else "missing"
        return {"json": answering(usage, "length")(len(written), body.get("n", 1))}

    with Endpoint(script) as endpoint:
        settings = {"extra_body": own, "max_concurrency": 1}
        usage = resample(endpoint, budget=Budget(max_tokens=3500), **settings).usage_
    assert usage.stopped_by == "max_tokens"
    assert 2000 < sum(written) <= usage.completion_tokens < 3500


def test_a_refusal_of_several_answers_is_one_request():
    fault = {"status": 400, "json": {"error": {"message": "content policy"}}}
    answer = answering({"prompt_tokens": 100, "completion_tokens": 40})

    def script(prompt, nth):
        n = len(endpoint.bodies)
        return fault if n % 2 else {"json": answer(n, endpoint.bodies[-1].get("n", 1))}

    settings = {"samples_per_request": 4, "at_once": 4, "max_concurrency": 1}
    with Endpoint(script) as endpoint:
        usage = resample(endpoint, **settings).usage_
        sent = len(endpoint.bodies)
    assert usage.requests == sent
    assert usage.prompt_tokens == 100 * (sent // 2)  # nothing is paid for a refusal


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["answered", "broken", "refused"])
def test_what_is_asked_again_after_an_answer_that_was_paid_for_counts(ends):
    broken = {"raw": b'{"choices": [{"mess'}
    if ends == "broken":
        broken = {"json": {"error": {"message": "Provider returned error", "code": 502}}}
    answer = answering({"prompt_tokens": 100, "completion_tokens": 10})
    first = []

    def script(prompt, nth):
        first[:] = first or [prompt]
        if prompt == first[0] and nth == 1 and ends == "refused":
            return {"status": 400, "json": {"error": {"message": "no"}}}
        if prompt == first[0] and (nth == 0 or ends == "broken"):
            return broken
        return {"json": answer(len(endpoint.bodies))}

    with Endpoint(script) as endpoint:
        sampler = resample(endpoint, budget=Budget(max_requests=4), max_concurrency=1)
        sent = len(endpoint.bodies)
    usage = sampler.usage_
    assert sent == usage.requests == (6 if ends == "broken" else 5)
    assert usage.completion_tokens == (50 if ends == "answered" else 30)
    estimated = sampler.generator.count_tokens(first[0])
    unread = {"answered": 200, "broken": 3 * estimated, "refused": estimated}[ends]
    assert usage.prompt_tokens == 300 + unread


@pytest.mark.parametrize("broken", [{"missing": 9}, {"headers": {"Content-Encoding": "gzip"}}])
def test_answers_that_break_off_are_paid_for(broken):
    usage, budget = Usage(), Budget(max_requests=3)
    requests = [Request(f"p {i}", seed=i) for i in range(9)]
    with Endpoint(lambda prompt, nth: broken) as endpoint:
        asking = OpenAIGenerator("m", base_url=endpoint.url)
        with pytest.raises(EndpointError, match="sent what cannot be read"):
            list(iter_within(asking, requests, None, budget, usage))
    assert 3 <= len(endpoint.bodies) == usage.requests <= 9
    assert usage.prompt_tokens == usage.requests * asking.count_tokens("p 0")


@pytest.mark.slow
def test_tries_that_time_out_count_once_they_have_been_sent():
    usage = Usage()
    requests = [Request(f"p {i}", seed=i) for i in range(3)]
    kwargs = {"timeout": 1.0, "max_retries": 1}
    with Endpoint(lambda prompt, nth: {"hang": 2} if nth == 0 else None) as endpoint:
        asking = OpenAIGenerator("m", base_url=endpoint.url, **kwargs)
        assert len(list(iter_within(asking, requests, None, None, usage))) == 3
    assert usage.requests == len(endpoint.bodies) == 6
    assert usage.prompt_tokens == 6 * 7
    for server, counted in (
        (Endpoint(lambda prompt, nth: {"hang": 2}), 6),
        (Misbehaving(lambda: iter([]), wrap="tls"), 0),
    ):
        usage = Usage()
        asking = OpenAIGenerator("m", base_url=server.url, **kwargs)
        with server, pytest.raises(EndpointError, match="no answer within 1 seconds after 2"):
            list(iter_within(asking, requests, None, None, usage))
        assert usage.requests == counted


def test_the_key_of_the_cache_knows_the_tokens_for_thinking():
    keys = [OpenAIGenerator("m", thinking_tokens=n).cache_key() for n in (0, 0, 10)]
    assert keys[0] == keys[1] != keys[2]


def test_no_additional_fields_make_no_other_key():
    none, empty, some = (
        OpenAIGenerator("m", extra_body=fields).cache_key() for fields in (None, {}, {"min_p": 0.1})
    )
    assert none == empty != some
    assert none["extra_body"] is None  # as in caches that are there already


@pytest.mark.parametrize("query", ["", "?api-version=1"])
@pytest.mark.parametrize("where", ["parameter", "environment"])
def test_a_slash_at_the_end_of_the_address_makes_no_other_key(query, where, monkeypatch):
    keys = []
    for end in ("", "/"):
        url = f"http://localhost:8000/v1{end}{query}"
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        asking = OpenAIGenerator("m", base_url=url if where == "parameter" else None)
        keys.append(asking.cache_key())
    assert keys[0] == keys[1]
    assert keys[0]["base_url"] == f"http://localhost:8000/v1{query}"


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 8])
def test_an_estimate_counts_requests_as_they_are_sent(at_once):
    answer = answering({"prompt_tokens": 100, "completion_tokens": 10})
    many = lambda: endpoint.bodies[-1].get("n", 1)  # noqa: E731
    with Endpoint(lambda prompt, nth: {"json": answer(len(endpoint.bodies), many())}) as endpoint:
        settings = {"samples_per_request": at_once, "max_concurrency": 1, "at_once": 4}
        sampler = resample(endpoint, TEXTS, LABELS, **settings)
        estimate = sampler.estimate(TEXTS, LABELS)
        sent = len(endpoint.bodies)
    assert sampler.usage_.requests == sent == 16 * -(-4 // min(at_once, 4))
    assert estimate.loc["expected", "requests"] == sent
    assert sampler.usage_.prompt_tokens == 100 * sent
    assert estimate.loc["at most", "requests"] >= sent


CUT = ["length", "content_filter", "max_tokens", "network_error", "abort", "tool_calls", None, "?"]


@pytest.mark.parametrize("reason", CUT)
def test_a_number_that_may_be_cut_is_no_row(reason):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(20, 60, 40), "income": rng.integers(2000, 30000, 40)})
    answer = answering(reason=reason, text="34,2500")
    with Endpoint(lambda prompt, nth: {"json": answer(1)}) as endpoint:
        sampler = resample(endpoint, X, ["a"] * 30 + ["b"] * 10, prompt="auto", accept="auto")
    assert not sampler.provenance_["accepted"].any()
    assert set(sampler.provenance_["reason"]) == {"truncated"}
    expected = {None: "none", "max_tokens": "length"}.get(reason, reason)
    assert set(sampler.provenance_["finish_reason"]) == {expected}


@pytest.mark.slow
def test_what_a_server_refuses_is_quoted_in_the_provenance():
    fault = {"status": 400, "json": {"error": {"message": "flagged as unsafe"}}}

    def script(prompt, nth):
        n = len(endpoint.bodies)
        return fault if n % 2 else {"json": answering()(n)}

    with Endpoint(script) as endpoint:
        sampler = resample(endpoint, max_concurrency=1)
    refused = sampler.provenance_[sampler.provenance_["reason"] == "refused"]
    assert len(refused) == 32
    assert set(refused["message"]) == {"flagged as unsafe"}
    assert set(sampler.provenance_["message"]) == {"flagged as unsafe", ""}


def test_an_empty_answer_cut_by_length_is_asked_for_again(tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    empty = [answering(reason="length", text=text)(1) for text in ("", " \n", "<think>I think")]
    requests = [Request(f"p {i}", seed=i) for i in range(3)]
    with Endpoint(lambda prompt, nth: {"json": empty[int(prompt[-1])]}) as endpoint:
        for _ in range(2):
            generate_cached(OpenAIGenerator("m", base_url=endpoint.url), requests, cache)
        assert len(endpoint.bodies) == 6
    assert len(cache) == 0


def test_a_model_that_is_not_there_costs_one_request_a_place():
    fault = {"status": 404, "json": {"error": {"message": "The model `tiny` does not exist."}}}
    with (
        Endpoint(lambda prompt, nth: fault) as endpoint,
        pytest.raises(EndpointError, match="has no model 'tiny': The model `tiny` does not exist"),
    ):
        resample(endpoint, max_concurrency=1)
    assert len(endpoint.bodies) <= 2


@pytest.mark.parametrize(
    ("answer", "advice", "not_advised"),
    [
        (
            answering(reason="length", text=""),
            r"Set thinking_tokens .*\(now 0\) to 1000",
            "max_new",
        ),
        (answering(text="<think>I think"), r"Set thinking_tokens .*\(now 0\) to 1000", "max_new"),
        (answering(reason="length", text="smoke comes"), "Ask for shorter rows", "max_new_tokens"),
        (answering(reason="content_filter", text="smoke"), "finish_reason", "max_new_tokens"),
    ],
    ids=["nothing but thinking", "unclosed", "cut", "filtered"],
)
def test_a_shortfall_advises_what_would_help(answer, advice, not_advised):
    with (
        Endpoint(lambda prompt, nth: {"json": answer(1)}) as endpoint,
        pytest.warns(GenerationWarning, match=advice) as caught,
    ):
        resample(endpoint, on_shortfall="warn")
    assert not_advised not in str(caught[-1].message)
