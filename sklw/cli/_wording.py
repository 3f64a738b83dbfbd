"""What the library says of parameters in Python, said of the options of a command."""

import argparse
import re
from collections.abc import Callable

__all__ = ["in_options"]

# Of an error of a generator.
_LITERAL = {
    "base_url=": "--endpoint ",
    "base_url": "--endpoint",
    "api_key_env": "--api-key-env",
    "Check model": "Check --model",
    ", and with cache= a second run sends the rest only": (
        ": running the same command again sends the rest only"
    ),
}
# Of the weights, whose temperature no option sets: that of --set is the generator's.
_MORE_EQUAL = (
    r"raise temperature, which (?:makes the weights more equal|is [\w.+-]+\b)"
    r"(?:, or lower clip of the method)?",
    r'pass method="quality" with a temperature above [\w.+-]+\b',
)
_FEWER_SHOWN = (
    r'show fewer real rows in a prompt \(n_examples\), raise cv, or pass method="quality"'
)
# Patterns, each with the option that stands for the parameter and what to say of it. Of several
# with the same pattern, the first whose option the command has.
_SAID = [
    (
        r"the budget's max_(requests|tokens|cost) is",
        "llm_ratio",
        r"this training set's share of --max-\1 is",
    ),
    (r"the budget's max_(requests|tokens|cost) is", "", r"--max-\1 is"),
    (r"raise max_(requests|tokens|cost) of budget", "", r"raise --max-\1"),
    (
        r"set (\w+) of the generator \(now (\w+)\) to (\d+) or more",
        "",
        r"pass --set \1=\3 or more (now \2)",
    ),
    (r"raise max_new_tokens of the generator to (\d+)", "", r"pass --set max_new_tokens=\1"),
    (
        r"set max_new_tokens=(\d+) on the generator(?: \(\w+\))?",
        "",
        r"pass --set max_new_tokens=\1",
    ),
    (
        r"set n_examples=(\d+) \(now (\d+)\) in prompt",
        "set_prompt",
        r"pass --set-prompt n_examples=\1 (now \2)",
    ),
    (
        "ask for shorter rows in the instructions of prompt",
        "set_prompt",
        "ask for shorter rows with --set-prompt instructions=TEXT",
    ),
    (
        "say more in task, label_descriptions and the instructions of prompt",
        "set_prompt",
        "say more with --task, --label-descriptions and --set-prompt instructions=TEXT",
    ),
    (
        "say more in task, label_descriptions and the instructions of prompt",
        "",
        "say more with --task and --label-descriptions",
    ),
    (
        r"train longer \(epochs of the generator's training\) or describe the classes in "
        "label_descriptions",
        "",
        "describe the classes with --label-descriptions",
    ),
    (
        r"raise the temperature or (?:loosen near_duplicate_threshold of accept \([^)]*\)"
        r"|keep copies with TableFilter\(reject_copies=False\))",
        "",
        "raise the temperature with --set temperature=NUMBER",
    ),
    (
        r"give values: Attributes\(\{'([^']+)': \[\.\.\.\]\}\)",
        "set_prompt",
        r"""give values with --set-prompt 'attributes={"\1": [...]}'""",
    ),
    ("use another verifier or none", "verifier", "use another --verifier or none"),
    (
        "use another verifier or a larger budget",
        "verifier",
        "use another --verifier or raise the bounds",
    ),
    (
        "ask for fewer rows with sampling_strategy",
        "sampling_strategy",
        "ask for fewer rows with --sampling-strategy",
    ),
    (
        "ask for fewer rows with sampling_strategy",
        "llm_ratio",
        "ask for fewer rows with --llm-ratio",
    ),
    *((text, "method", "pass --method uniform, which weights them alike") for text in _MORE_EQUAL),
    *((text, "llm_ratio", "look at llm, which weights them alike") for text in _MORE_EQUAL),
    (
        _FEWER_SHOWN,
        "method",
        "show fewer real rows in a prompt with --set-prompt n_examples=NUMBER, or pass --method "
        "quality",
    ),
    (_FEWER_SHOWN, "llm_ratio", "look at llm_quality"),
    # Of its parameters, a command sets the budget alone.
    (
        r"other values of ((?:\w+, )*)sampler\b",
        "llm_ratio",
        r"other values of \1each training set's share of --max-requests, --max-tokens or "
        "--max-cost",
    ),
    ("pass another checker, or more real rows", "", "add real rows"),
    ("leave columns out", "ignore", "leave columns out with --ignore"),
    (
        "the column '' (.*) Drop the column before over-sampling",
        "ignore",
        r"the column '' \1 Leave it out with --ignore ''",
    ),
    ("drop the column before over-sampling", "ignore", "leave it out with --ignore"),
    ("lower n_examples of prompt", "set_prompt", "lower n_examples with --set-prompt"),
    ("lower rows_per_request", "set_prompt", "lower rows_per_request with --set-prompt"),
]
# Advice that no option follows, up to the comma before other advice.
_UNSAID = [
    "raise max_attempts",
    "loosen length_tolerance of accept",
    "raise range_margin of accept",
    r"set n_examples=\d+ \(now \d+\) in prompt",
    r"ask for shorter rows in the instructions of prompt, since \d+ answers were longer than any "
    "real row of the class",
    r"train longer \(epochs of the generator's training\), since \d+ answers were longer than any "
    "real row of the class",
]
_PROVENANCE = " The candidates and the reason for each are in provenance_."
_CUT_OUT = [
    ", or lower n_examples of prompt",
    ", as the column finish_reason says,",
    ": its words are in the column message",
    ": raise thinking_tokens, or turn it off",
    ", leave it out of sampling_strategy and augment (as dicts), or set label_column to the right "
    "column",
]


def in_options(message: str, arguments: argparse.Namespace) -> str:
    """Rewrite an error or a warning for a command that generates rows."""
    if not hasattr(arguments, "endpoint"):
        return message
    for parameter, option in _LITERAL.items():
        message = message.replace(parameter, option)
    for pattern, needed, said in _SAID:
        if not needed or hasattr(arguments, needed):
            message = re.sub(_anywhere(pattern), _in_its_case(said), message)
    for pattern in _UNSAID:
        message = re.sub(rf"{_anywhere(pattern)}, ((?:or )?)(\w)", _without, message)
    message = message.replace(_PROVENANCE, _where_reasons_are(arguments))
    for text in _CUT_OUT:
        message = message.replace(text, "")
    return message


def _anywhere(pattern: str) -> str:
    """Let a pattern begin with a capital letter, too."""
    return rf"\b[{pattern[0]}{pattern[0].upper()}]{pattern[1:]}"


def _in_its_case(said: str) -> Callable[[re.Match[str]], str]:
    def replaced(match: re.Match[str]) -> str:
        text = match.expand(said)
        return text[0].upper() + text[1:] if match[0][0].isupper() else text

    return replaced


def _without(match: re.Match[str]) -> str:
    """Let what follows begin the sentence that advice began which is left out."""
    return match[2].upper() if match[0][0].isupper() else match[1] + match[2]


def _where_reasons_are(arguments: argparse.Namespace) -> str:
    """Only `compare` writes rejected rows, and only texts."""
    if not hasattr(arguments, "llm_ratio") or arguments.target is not None:
        return ""
    return f" The candidates and the reason for each are in {arguments.output}/."
