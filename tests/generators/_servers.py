"""Answers, errors and limits as real servers send them, and what must come of each.

To add a server, add its rows. Bodies are as seen in the wild, shortened; {model} is the model's
name. A string is sent as it is.
"""

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ANSWERS", "ERRORS", "LIMITS", "PARAMETERS", "Answer", "Error", "Limit", "Parameter"]


@dataclass
class Answer:
    """An answer with status 200, the text and end that it stands for, and its tokens."""

    server: str
    name: str
    body: Any
    text: str = "a row"
    reason: str = "stop"
    tokens: tuple[int, int] | None = None
    said: str = ""  # of a refusal
    prompting: str = "chat"
    filtered: bool = False  # refused for what it says, and for good


@dataclass
class Error:
    """An error that lasts, what is said about it, and how often it may be asked."""

    server: str
    name: str
    status: int
    body: Any
    message: str = ""  # of the error raised; "" if the request is refused, and the others go on
    said: str = ""  # in the server's own words
    tries: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Parameter:
    """An error about a field of the request."""

    server: str
    name: str  # of the field
    status: int
    body: Any


@dataclass
class Limit:
    """An error that passes, and the seconds that the server asks to wait."""

    server: str
    name: str
    status: int
    body: Any
    seconds: float | None = None
    headers: dict[str, str] = field(default_factory=dict)


def chat(content, reason="stop", usage=(7, 3), **message):
    usage = usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1],
                       "total_tokens": sum(usage)}  # fmt: skip
    message = {"role": "assistant", "content": content, **message}
    return {
        "id": "1", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage,
    }  # fmt: skip


def with_choice(**fields):
    body = chat("a row")
    body["choices"][0] |= fields
    return body


def with_usage(**usage):
    return chat("a row") | {"usage": usage}


def error(message, code=None, kind=None, param=None, **more):
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


def gemini(code, status, message, *details):
    return [{"error": {"code": code, "message": message, "status": status, "details": details}}]


def fastapi(name, message="Extra inputs are not permitted"):
    return [{"type": "extra_forbidden", "loc": ["body", name], "msg": message, "input": 1}]


PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body><h1>{}</h1></body></html>"
STREAM = (
    ': OPENROUTER PROCESSING\n\ndata: {"choices":[{"index":0,"delta":{"role":"assistant",'
    '"content":"a "}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"row"},'
    '"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\ndata: [DONE]\n'
)


def stream(*chunks):
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


THOUGHTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "I think."}], "closed": True},
    {"type": "text", "text": "a "},
    {"type": "text", "text": "row"},
]

ANSWERS = [
    Answer("OpenAI", "plain", chat("a row"), tokens=(7, 3)),
    Answer("OpenAI", "cut", chat("a r", "length"), "a r", "length", (7, 3)),
    Answer("OpenAI", "thought alone", chat("", "length", (7, 34)), "", "length", (7, 34)),
    Answer("OpenAI", "refusal", chat(None, refusal="I can't help with that."), "", "error",
           said="I can't help with that.", filtered=True),
    Answer("OpenAI", "tool", chat(None, "tool_calls", tool_calls=[{}]), "", "tool_calls"),
    Answer("OpenAI", "function", chat("a row", "function_call"), "a row", "function_call"),
    Answer("OpenAI", "completion", {"choices": [{"text": "a row", "finish_reason": "stop"}]},
           prompting="completion"),
    Answer("Azure", "filtered", chat(None, "content_filter"), "", "error", said="content_filter",
           filtered=True),
    Answer("Azure", "filtered half-way", chat("a r", "content_filter"), "a r", "content_filter"),
    Answer("Azure", "no message", {"choices": [{"index": 0, "finish_reason": "content_filter"}]},
           "", "error", said="content_filter", filtered=True),
    Answer("Gemini", "end in capitals", chat("a row", "STOP")),
    Answer("Gemini", "limit in capitals", chat("a r", "MAX_TOKENS"), "a r", "length"),
    Answer("Gemini", "recitation", chat("", "RECITATION"), "", "error", said="recitation",
           filtered=True),
    Answer("Gemini", "thinking in the total alone", chat("a row") | {"usage": {
        "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 210}}, tokens=(7, 203)),
    Answer("Gemini", "blocklist", chat("", "BLOCKLIST"), "", "error", said="blocklist",
           filtered=True),
    Answer("Mistral", "thinking parts", chat(THOUGHTS), tokens=(7, 3)),
    Answer("Mistral", "thinking parts without usage", chat(THOUGHTS, usage=None), tokens=(2, 4)),
    Answer("Mistral", "one part", chat([{"type": "text", "text": "a row"}])),
    Answer("Mistral", "thinking parts alone", chat(THOUGHTS[:1], "length"), "", "length"),
    Answer("Mistral", "model_length", chat("a r", "model_length"), "a r", "length"),
    Answer("Anthropic", "end_turn", chat("a row", "end_turn")),
    Answer("Anthropic", "max_tokens", chat("a r", "max_tokens"), "a r", "length"),
    Answer("Anthropic", "stop_sequence", chat("a row", "stop_sequence")),
    Answer("Anthropic", "tokens by other names", with_usage(input_tokens=7, output_tokens=3),
           tokens=(7, 3)),
    Answer("OpenRouter", "reasoning beside", chat("a row", reasoning="I think.")),
    Answer("OpenRouter", "reasoning said twice", chat("a row", usage=None, reasoning="I think.",
           reasoning_details=[{"type": "reasoning.text", "text": "I think."}]), tokens=(2, 4)),
    Answer("OpenRouter", "an error beside what there is", chat("a r") | error("Upstream broke"),
           "", "error", said="Upstream broke"),
    Answer("Ollama", "thinking beside", chat("a row", usage=None, thinking="I think."),
           tokens=(2, 4)),
    Answer("Bedrock", "content-filter", chat("", "content-filter"), "", "error",
           said="content_filter", filtered=True),
    Answer("unheard of", "a total alone", with_usage(total_tokens=50), tokens=(2, 48)),
    Answer("OpenRouter", "a stream", STREAM, tokens=(7, 3)),
    Answer("DeepSeek", "thinking in a stream", stream(
        {"choices": [{"index": 0, "delta": {"reasoning_content": "I thi"}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "nk."}}]},
        {"choices": [{"index": 0, "delta": {"content": "a row"}, "finish_reason": "stop"}]}),
        tokens=(2, 4)),
    Answer("Azure", "a filter in a stream", stream(error("content management policy",
           "content_filter", status=400)), "", "error", said="content management policy",
           filtered=True),
    Answer("OpenRouter", "a stream that breaks off", STREAM.replace("[DONE]", json.dumps(error(
           "Upstream idle timeout", 502))), "", "error", said="Upstream idle timeout"),
    Answer("vLLM", "an error in a stream", stream({"object": "error", "message": "prompt is too "
           "long for the context length", "code": 400}), "", "error", said="too long for the"),
    Answer("OpenRouter", "blanks before", "\n\n  \n" + '{"choices":[{"message":{"content":"a row"},'
           '"finish_reason":"stop"}]}'),
    Answer("OpenRouter", "broken off", with_choice(
        finish_reason="error", error={"code": 502, "message": "Upstream idle timeout"}),
        "", "error", said="Upstream idle timeout"),
    Answer("OpenRouter", "broken off in silence", with_choice(finish_reason="error"),
           "", "error", said="broke the answer off"),
    Answer("OpenRouter", "error", {"error": {"message": "Provider returned error", "code": 502,
           "metadata": {"raw": '{"error":{"message":"flagged by upstream"}}'}}}, "", "error",
           said="flagged by upstream"),
    Answer("vLLM", "reasoning_content", chat("a row", reasoning_content="I think.")),
    Answer("vLLM", "thinking in the text", chat("<think>\nI think.\n</think>\n\na row")),
    Answer("vLLM", "null content", chat(None, None), "", "empty"),
    Answer("vLLM", "abort", chat("a r", "abort"), "a r", "abort"),
    Answer("vLLM", "error", {"object": "error", "message": "prompt is too long for the context "
           "length", "code": 400, "choices": None}, "", "error", said="too long for the context"),
    Answer("llama.cpp", "error", {"error": {"code": 400, "message": "the request exceeds the "
           "available context size", "type": "exceed_context_size_error", "n_ctx": 8192}},
           "", "error", said="exceeds the available context size"),
    Answer("llama.cpp", "no usage", chat("a row", usage=None), tokens=(2, 2)),
    Answer("llama.cpp", "R1", chat("I think.\n</think>\n\na row")),
    Answer("Ollama", "harmony", chat("<|channel|>analysis<|message|>I think<|end|><|start|>"
           "assistant<|channel|>final<|message|>a row")),
    Answer("Ollama", "no end", with_choice(finish_reason=None), "a row", "none"),
    Answer("Ollama", "usage of zeros", chat("a row", usage=(0, 0)), tokens=(2, 2)),
    Answer("Ollama", "load", chat("", "load"), "", "load"),
    Answer("LM Studio", "eosFound", chat("a row", "stop")),
    Answer("LM Studio", "usage in part", with_usage(prompt_tokens=7), tokens=(7, 2)),
    Answer("LM Studio", "unclosed", chat("<think>\nI think", "length"), "", "thinking"),
    Answer("TGI", "eos_token", chat("a row", "eos_token")),
    Answer("TGI", "usage as text", with_usage(prompt_tokens="7", completion_tokens="3"),
           tokens=(7, 3)),
    Answer("NIM", "usage of nulls", with_usage(prompt_tokens=None, completion_tokens=None),
           tokens=(2, 2)),
    Answer("NIM", "cut without usage", chat("a r", "length", None), "a r", "length", (2, 34)),
    Answer("DeepSeek", "reasoner", chat("a row", reasoning_content="I think.")),
    Answer("DeepSeek", "no resource", chat("a r", "insufficient_system_resource"), "a r",
           "insufficient_system_resource"),
    Answer("Z.ai", "network_error", chat("2500", "network_error"), "2500", "network_error"),
    Answer("Z.ai", "sensitive", chat("", "sensitive"), "", "error", said="sensitive",
           filtered=True),
    Answer("unheard of", "a word of ours", chat("a r", "exhausted"), "a r", "cut: exhausted"),
    Answer("unheard of", "no choices", chat("a row") | {"choices": []}, "", "empty"),
    Answer("unheard of", "message is null", with_choice(message=None), "", "empty"),
    Answer("unheard of", "an end that is no word", with_choice(finish_reason={"a": 1}),
           "a row", "none"),
    Answer("unheard of", "text alone", {"choices": [{"text": "a row", "finish_reason": "stop"}]}),
]  # fmt: skip

KEY_REFUSED = "refused the key in the environment variable MY_KEY"
NO_CREDIT = "has no credit left"
NO_MODEL = "has no model 'tiny'"
NO_ROUTE = "or no endpoint at this path"
RETRYING = 3  # the tries of the tests' generator

ERRORS = [
    Error("OpenAI", "key", 401, error("Incorrect API key provided: sk-ve****789.",
          "invalid_api_key"), KEY_REFUSED, "Incorrect API key provided"),
    Error("OpenAI", "model", 404, error("The model `tiny` does not exist or you do not have access "
          "to it.", "model_not_found"), NO_MODEL, "does not exist or you do not have"),
    Error("OpenAI", "quota", 429, error("You exceeded your current quota, please check your plan "
          "and billing details.", "insufficient_quota"), NO_CREDIT, "exceeded your current quota"),
    Error("OpenAI", "context", 400, error("This model's maximum context length is 4096 tokens. "
          "However, you requested 5000 tokens.", "context_length_exceeded", param="messages"),
          said="maximum context length"),
    Error("OpenAI", "too large for the rate", 429, error("Request too large for gpt-4o: Limit "
          "30000, Requested 41000.", "rate_limit_exceeded"), said="Request too large"),
    Error("OpenAI", "server", 500, error("The server had an error."), "failed after 3 tries",
          "The server had an error", RETRYING),
    Error("Azure", "deployment", 404, error("The API deployment for this resource does not exist.",
          "DeploymentNotFound"), NO_MODEL, "API deployment for this resource"),
    Error("Azure", "filter", 400, error("The response was filtered due to the prompt triggering "
          "Azure OpenAI's content management policy.", "content_filter", param="prompt",
          status=400, innererror={"code": "ResponsibleAIPolicyViolation"}), said="was filtered"),
    Error("Azure", "gateway key", 401, {"statusCode": 401, "message": "Access denied due to "
          "invalid subscription key."}, KEY_REFUSED, "invalid subscription key"),
    Error("Gemini", "key", 400, gemini(400, "INVALID_ARGUMENT", "API key not valid. Please pass a "
          "valid API key."), KEY_REFUSED, "API key not valid"),
    Error("Gemini", "model", 404, gemini(404, "NOT_FOUND", "models/tiny is not found for API "
          "version v1main"), NO_MODEL, "models/tiny is not found"),
    Error("Gemini", "bad value", 400, gemini(400, "INVALID_ARGUMENT", "Unable to submit request."),
          said="Unable to submit request"),
    Error("Mistral", "model", 400, {"object": "error", "message": "Invalid model: tiny",
          "type": "invalid_model", "code": "1500"}, NO_MODEL, "Invalid model: tiny"),
    Error("Mistral", "key", 401, {"detail": "Unauthorized"}, KEY_REFUSED, "Unauthorized"),
    Error("Mistral", "value", 422, {"object": "error", "message": {"detail": [{"type": "missing",
          "loc": ["body", "messages", 0], "msg": "Field required"}]}},
          said="messages.0: Field required"),
    Error("Anthropic", "model", 404, {"type": "error", "error": {"type": "not_found_error",
          "message": "model: tiny"}}, NO_MODEL, "model: tiny"),
    Error("Anthropic", "credit", 400, {"type": "error", "error": {"type": "invalid_request_error",
          "message": "Your credit balance is too low."}}, NO_CREDIT, "credit balance is too low"),
    Error("Anthropic", "overloaded", 529, {"type": "error", "error": {"type": "overloaded_error",
          "message": "Overloaded"}}, "failed after 3 tries", "Overloaded", RETRYING),
    Error("OpenRouter", "credit", 402, error("Insufficient credits.", 402), NO_CREDIT,
          "Insufficient credits"),
    Error("OpenRouter", "model", 400, error("tiny is not a valid model ID", 400), NO_MODEL,
          "not a valid model ID"),
    Error("OpenRouter", "moderation", 403, error("Your input was flagged", 403,
          metadata={"reasons": ["violence"]}), said="Your input was flagged"),
    Error("OpenRouter", "provider", 503, error("Provider returned error", 503, metadata={
          "raw": "upstream connect error", "provider_name": "X"}), "failed after 3 tries",
          "upstream connect error", RETRYING),
    Error("vLLM", "model", 404, {"object": "error", "message": "The model `tiny` does not exist.",
          "type": "NotFoundError", "param": None, "code": 404}, NO_MODEL, "does not exist"),
    Error("vLLM", "context", 400, error("'max_tokens' or 'max_completion_tokens' is too large: 256."
          " This model's maximum context length is 128 tokens.", 400, "BadRequestError"),
          said="is too large: 256"),
    Error("vLLM", "route", 404, {"detail": "Not Found"}, NO_ROUTE, "Not Found"),
    Error("llama.cpp", "context", 500, error("Context size has been exceeded.", 500,
          "server_error"), said="Context size has been exceeded"),
    Error("llama.cpp", "loading", 503, error("Loading model", 503, "unavailable_error"),
          "failed after 3 tries", "Loading model", RETRYING),
    Error("llama.cpp", "key", 401, error("Invalid API Key", 401, "authentication_error"),
          KEY_REFUSED, "Invalid API Key"),
    Error("Ollama", "model", 404, error('model "tiny" not found, try pulling it first'),
          NO_MODEL, "try pulling it first"),
    Error("Ollama", "route", 404, "404 page not found", NO_ROUTE, "404 page not found"),
    Error("Ollama", "busy", 503, {"error": "server busy, please try again. maximum pending requests"
          " exceeded"}, "failed after 3 tries", "server busy", RETRYING),
    Error("LM Studio", "route", 200, {"error": "Unexpected endpoint or method. (POST /chat)"},
          NO_ROUTE, "Unexpected endpoint or method"),
    Error("OpenRouter", "credit in a stream", 200, stream(error("Insufficient credits.", 402)),
          NO_CREDIT, "Insufficient credits"),
    Error("LM Studio", "no model", 400, error("No models loaded. Please load a model in the "
          "developer page", None, "invalid_request_error", "model"), NO_MODEL, "No models loaded"),
    Error("OpenAI", "no access", 403, error("Project `p` does not have access to model `tiny`",
          "model_not_found"), NO_MODEL, "does not have access to model"),
    Error("Groq", "capacity", 498, error("Flex tier capacity exceeded"), "failed after 3 tries",
          "capacity exceeded", RETRYING),
    Error("Ollama", "no file", 500, error("model runner has stopped: file not found"),
          "failed after 3 tries", "file not found", RETRYING),
    Error("LM Studio", "model", 404, error("Failed to load model \"tiny\". Error: Model does not "
          "exist.", "model_not_found"), NO_MODEL, "Model does not exist"),
    Error("TGI", "tokens", 422, {"error": "Input validation error: `inputs` tokens + `max_new_"
          "tokens` must be <= 4096", "error_type": "validation"}, said="must be <= 4096"),
    Error("TGI", "overloaded", 429, {"error": "Model is overloaded", "error_type": "overloaded"},
          "too many requests after 3", "Model is overloaded", RETRYING),
    Error("NIM", "account", 404, {"status": 404, "title": "Not Found", "detail": "Function 'x': "
          "Not found for account 'y'"}, NO_ROUTE, "Not found for account"),
    Error("NIM", "key", 403, {"status": 403, "title": "Forbidden", "detail": "Authorization "
          "failed"}, KEY_REFUSED, "Authorization failed"),
    Error("NIM", "gone", 410, {"status": 410, "title": "Gone", "detail": "end of life reached"},
          NO_MODEL, "end of life reached"),
    Error("DeepSeek", "credit", 402, error("Insufficient Balance", "invalid_request_error"),
          NO_CREDIT, "Insufficient Balance"),
    Error("DeepSeek", "model", 400, error("Model Not Exist", "invalid_request_error"), NO_MODEL,
          "Model Not Exist"),
    Error("DeepSeek", "key", 401, error("Authentication Fails (no such user)"), KEY_REFUSED,
          "Authentication Fails"),
    Error("Groq", "large", 413, error("Request too large for model `x` on tokens per minute",
          "rate_limit_exceeded"), said="Request too large"),
    Error("nginx", "large", 413, PAGE.format("413", "413 Request Entity Too Large"),
          said="413 Request Entity Too Large"),
    Error("nginx", "gateway", 502, PAGE.format("502 Bad Gateway", "502 Bad Gateway"),
          "failed after 3 tries", "502 Bad Gateway", RETRYING),
    Error("nginx", "method", 405, PAGE.format("405 Not Allowed", "405 Not Allowed"), NO_ROUTE,
          "405 Not Allowed"),
    Error("a web site", "page", 200, PAGE.format("Open WebUI", "Sign in"), NO_ROUTE, "Sign in"),
    Error("unheard of", "another answer", 200, {"generated_text": "a row"},
          "sent what cannot be read", "generated_text", RETRYING),
    Error("unheard of", "brackets", 200, "[" * 100_000, "sent what cannot be read", "[[[",
          RETRYING),
    Error("unheard of", "no reason", 404, "", NO_MODEL, "no reason given"),
    Error("unheard of", "no reason", 400, "", said=""),
]  # fmt: skip

PARAMETERS = [
    Parameter("OpenAI", "temperature", 400, error("Unsupported value: 'temperature' does not "
              "support 0.5 with this model. Only the default (1) value is supported.",
              "unsupported_value", param="temperature")),
    Parameter("OpenAI", "max_tokens", 400, error("Unsupported parameter: 'max_tokens' is not "
              "supported with this model. Use 'max_completion_tokens' instead.",
              "unsupported_parameter", param="max_tokens")),
    Parameter("OpenAI", "stop", 400, error("Unsupported parameter: 'stop' is not supported with "
              "this model.", "unsupported_parameter", param="stop")),
    Parameter("Azure", "response_format", 400, error("Invalid parameter: 'response_format' of type "
              "'json_schema' is not supported with this model.", param="response_format")),
    Parameter("Azure", "seed", 400, error("Unrecognized request argument supplied: seed")),
    Parameter("Gemini", "seed", 400, gemini(400, "INVALID_ARGUMENT", "Invalid JSON payload "
              'received. Unknown name "seed": Cannot find field.', {"fieldViolations": [
              {"description": 'Unknown name "seed": Cannot find field.'}]})),
    Parameter("Gemini", "n", 400, gemini(400, "INVALID_ARGUMENT", "Multiple candidates is not "
              "enabled for this model")),
    Parameter("Gemini", "temperature", 400, gemini(400, "INVALID_ARGUMENT", 'Unknown name '
              '"temperature": Cannot find field.')),
    Parameter("Mistral", "seed", 422, {"object": "error", "message": {"detail": fastapi("seed")}}),
    Parameter("Mistral", "n", 422, {"object": "error", "detail": fastapi("n")}),
    Parameter("Mistral", "response_format", 422, {"message": '{"detail":[{"loc":["body",'
              '"response_format","json_schema"],"msg":"Extra inputs are not permitted"}]}'}),
    Parameter("Anthropic", "n", 400, error("n must be 1", "invalid_request_error")),
    Parameter("Anthropic", "top_p", 400, error("`temperature` and `top_p` cannot both be specified;"
              " top_p is not supported for this model", param="top_p")),
    Parameter("Anthropic", "temperature", 400, error("`temperature` is deprecated for this model.",
              "invalid_request_error")),
    Parameter("Anthropic", "top_p", 400, error("`temperature` and `top_p` cannot both be specified "
              "for this model. Please use only one.")),
    Parameter("Gemini", "response_format", 400, gemini(400, "INVALID_ARGUMENT", "* Generate"
              "ContentRequest.generation_config.response_schema.properties: should be non-empty")),
    Parameter("Moonshot", "temperature", 400, error("invalid temperature: only 1 is allowed for "
              "this model", "invalid_request_error")),
    Parameter("OpenAI", "max_tokens", 400, error("max_tokens is deprecated, use "
              "max_completion_tokens")),
    Parameter("a proxy", "seed", 400, error("Bad request: seed field not allowed")),
    Parameter("a proxy", "seed", 422, {"detail": "seed must be between 0 and 65535"}),
    Parameter("OpenRouter", "response_format", 400, error("Provider returned error", 400, metadata={
              "raw": '{"error":{"message":"response_format is not supported"}}'})),
    Parameter("vLLM", "seed", 400, {"object": "error", "code": 400, "message": "[{'type': "
              "'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'"
              "}]"}),
    Parameter("vLLM", "response_format", 400, error("Failed to compile the grammar: guided decoding"
              " is not supported")),
    Parameter("llama.cpp", "n", 400, error("Only one completion choice is allowed", 400)),
    Parameter("llama.cpp", "response_format", 500, error("Unsupported JSON schema", 500,
              "server_error")),
    Parameter("Ollama", "seed", 400, 'json: unknown field "seed"'),
    Parameter("LM Studio", "response_format", 400, {"error": "'response_format.type' must be "
              "'json_object' or 'text'"}),
    Parameter("TGI", "n", 422, "Failed to deserialize the JSON body into the target type: unknown "
              "field `n`, expected one of `model`, `messages`, `seed`, `stop`, `temperature`"),
    Parameter("TGI", "temperature", 422, "unknown field `temperature`, expected one of `seed`"),
    Parameter("NIM", "seed", 400, "Validation: Unsupported parameter(s): `seed`"),
    Parameter("NIM", "stop", 400, {"error": "[{'type': 'extra_forbidden', 'loc': ('body', 'stop'), "
              "'msg': 'Extra inputs are not permitted'}]"}),
    Parameter("NIM", "top_p", 422, {"type": "about:blank", "title": "Unprocessable", "detail":
              "top_p: Extra inputs are not permitted"}),
    Parameter("DeepSeek", "response_format", 400, error("This response_format type is unavailable "
              "now", "invalid_request_error")),
    Parameter("DeepSeek", "response_format", 422, "Failed to deserialize the JSON body into the "
              "target type: response_format: response_format.type `json_schema` is unavailable"),
    Parameter("Groq", "seed", 400, error("property 'seed' is unsupported, did you mean 'speed'?")),
    Parameter("Fireworks", "seed", 400, error("Extra inputs are not permitted, field: 'seed'")),
    Parameter("LiteLLM", "seed", 400, error('BedrockException - {"message":"The model returned: '
              'seed: Extra inputs are not permitted"}', "400")),
    Parameter("FastAPI", "max_tokens", 422, {"detail": fastapi("max_tokens")}),
]  # fmt: skip

LIMITS = [
    Limit("OpenAI", "Retry-After", 429, error("Rate limit reached"), 1.0, {"Retry-After": "1"}),
    Limit("OpenAI", "retry-after-ms", 429, error("Rate limit"), 1.0, {"retry-after-ms": "1000"}),
    Limit("OpenAI", "text", 429, error("Rate limit reached for m. Please try again in 1.2s. Visit "
          "the page."), 1.2),
    Limit("OpenAI", "text in thousandths", 429, error("Please try again in 900ms."), 0.9),
    Limit("OpenAI", "what is left", 429, error("Rate limit reached"), 1.0,
          {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}),
    Limit("Azure", "text", 429, error("Requests have exceeded the call rate limit. Please retry "
          "after 1 second.", "429"), 1.0),
    Limit("Gemini", "retryDelay", 429, gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your "
          "current quota, please check your plan.", {"retryDelay": "1s",
          "@type": "type.googleapis.com/google.rpc.RetryInfo"}), 1.0),
    Limit("Mistral", "no word", 429, {"message": "Requests rate limit exceeded"}),
    Limit("Anthropic", "Retry-After", 429, {"type": "error", "error": {"type": "rate_limit_error",
          "message": "rate limit"}}, 1.0, {"retry-after": "1"}),
    Limit("OpenRouter", "in a good answer", 200, error("Rate limit exceeded", 429,
          metadata={"retry_after_seconds": 1}), 1.0),
    Limit("OpenRouter", "in a stream", 200, stream(error("Rate limit exceeded", 429,
          metadata={"retry_after_seconds": 1})), 1.0),
    Limit("TGI", "overloaded", 429, {"error": "Model is overloaded", "error_type": "overloaded"}),
    Limit("vLLM", "unavailable", 503, "Service Unavailable", 1.0, {"Retry-After": "1"}),
    Limit("Azure", "x-ms-retry-after-ms", 429, error("slow down"), 1.0,
          {"x-ms-retry-after-ms": "1000"}),
    Limit("Azure", "available", 503, error("The service is available in 1 second."), 1.0),
    Limit("Anthropic", "a moment", 429, error("rate limit"), 0.0, {
          "anthropic-ratelimit-requests-remaining": "0",
          "anthropic-ratelimit-requests-reset": "2015-10-21T07:28:00Z"}),
    Limit("TGI", "estimated_time", 503, {"error": "Model is loading", "estimated_time": 1.0}, 1.0),
    Limit("RFC", "ratelimit-reset", 429, error("slow down"), 1.0, {
          "ratelimit-remaining": "0", "ratelimit-reset": "1"}),
    Limit("a proxy", "sent twice", 429, error("slow down"), 1.0, {"Retry-After": "1, 1"}),
    Limit("a proxy", "a clock", 429, error("slow down"), 1.0, {"Retry-After": "00:00:01"}),
    Limit("unheard of", "no number", 429, error("slow down"), None, {"Retry-After": "soon"}),
    Limit("unheard of", "not a number", 429, error("slow down"), None, {"Retry-After": "nan"}),
    Limit("unheard of", "in the past", 429, error("slow down"), None,
          {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
]  # fmt: skip
