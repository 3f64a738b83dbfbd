"""Why a row is not kept."""

__all__ = ["REASONS"]

REASONS = {
    "empty": "nothing was left after parsing",
    "truncated": "cut off, as the column finish_reason says, within its first sentence",
    "too_short": "shorter than the real rows of the class",
    "too_long": "longer than the real rows of the class",
    "meta_text": "a refusal or talk about the task instead of a row",
    "other_label": "the model labelled its row with another class",
    "bad_characters": "control characters, or half of a character",
    "degenerate": "the same words or characters over and over",
    "copied_prompt": "a copy, or nearly, of a row shown in the prompt",
    "copied_real": "a copy, or nearly, of another real row",
    "duplicate": "a copy, or nearly, of a row generated before",
    "unparsable": "not a row of the table's columns",
    "bad_value": "a value that is no number or date where one belongs",
    "missing_value": "a missing value in a column that has none",
    "unknown_category": "a category that the real rows do not have",
    "out_of_range": "a number or date far from the real ones",
    "other_group": "a row of another group",
    "wrong_class": "the verifier takes it for another class",
    "unverified": "no verdict: interrupted, out of budget, or an answer that names no class",
    "parent_elsewhere": "generated from a row that is not in this training set",
    "refused": "the endpoint refused the request: its words are in the column message",
    "thinking": "cut before the model's thinking ended: raise thinking_tokens, or turn it off",
    "exhausted": "the recorded rows of the class are used up",
    "surplus": "good, but the quota was full",
}
