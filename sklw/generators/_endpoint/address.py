"""Addresses and names of variables, which people confuse with passwords and keys."""

import os
import re
from urllib.parse import quote, quote_plus, urlsplit

from sklw.exceptions import EndpointError

__all__ = [
    "HIDDEN", "check_address", "check_variable", "hidden", "read_key", "without_key",
    "without_secrets",
]  # fmt: skip

HIDDEN = "***"
_HARMLESS = frozenset({"api-version"})  # of Azure
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORTEST_KEY = 16


def without_secrets(url: str | None) -> str | None:
    """Hide names, passwords and values in an address; one without them comes back itself."""
    if not isinstance(url, str):
        return url
    head, at, tail = url.rpartition("@")
    if at:
        scheme = re.match(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//", head)
        url = f"{scheme.group() if scheme else ''}{HIDDEN}@{tail}"
    return re.sub(r"(?<=[?&;#])[^?&;#]+", _hide_value, url)


def _hide_value(field: re.Match[str]) -> str:
    name, equals, _ = field.group().partition("=")
    if name in _HARMLESS:
        return field.group()
    return f"{name}={HIDDEN}" if equals else HIDDEN


def without_key(name: str) -> str:
    """Hide what is given as a variable's name but looks like a key."""
    if not isinstance(name, str) or name in os.environ:
        return name
    parts = name.split("_")
    like_key = any(
        len(part) >= _SHORTEST_KEY and (re.search(r"\d", part) or part.upper() != part)
        for part in parts
    )
    return HIDDEN if like_key or not _VARIABLE.fullmatch(name) else name


def hidden(text: str, key: str) -> str:
    """Hide a key in a text, also where it is written as in an address or a JSON text."""
    forms = {key, key.replace("/", "\\/"), quote(key), quote(key, safe=""), quote_plus(key)} - {""}
    pattern = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.sub(pattern, HIDDEN, text) if pattern else text


def check_address(url: str) -> None:
    """Raise EndpointError if requests cannot be sent there, before any is."""
    shown = (without_secrets(url) or "").replace(f"{HIDDEN}@", "")
    wrong = _fault_of(url)
    if wrong:
        raise EndpointError(f"base_url={shown!r} {wrong}.")


def _fault_of(url: str) -> str:
    in_environment = "pass a key by the environment variable that api_key_env names"
    if "@" in url:
        return f"holds a user's name or password: leave it out and {in_environment}"
    if any(map(str.isspace, url)):
        return "holds white space: leave it out"
    if not re.match(r"https?://", url, re.IGNORECASE):
        return f"has no scheme: write {'http://' + url.rpartition('//')[2]!r}, or https"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is no address ({error}): write it as in 'http://localhost:8000/v1'"
    if not parts.hostname or port == 0:
        return "names no host or port: write it as in 'http://localhost:8000/v1'"
    fields = re.split("[&;]", parts.query) if parts.query else []
    if parts.fragment or any(field.partition("=")[0] not in _HARMLESS for field in fields):
        return f"has fields after the path: leave them out and {in_environment}"
    if ending := re.search(r"(?:/chat)?/completions/?$", parts.path):
        return f"ends in {ending.group()!r}, which is added for each request: leave it out"
    return ""


def check_variable(name: str) -> None:
    """Raise EndpointError if a variable's name was no name but a key, which is hidden by now."""
    if HIDDEN in name:
        raise EndpointError(
            "api_key_env wants a variable's NAME, such as 'OPENAI_API_KEY', and was given what "
            "looks like a key: put the key into that environment variable."
        )


def read_key(name: str) -> str:
    """Return the key in an environment variable, "" if there is none."""
    key = (os.environ.get(name) or "").strip()
    if not key.isascii() or not key.isprintable():
        raise EndpointError(
            f"The environment variable {name} holds characters that no key has. Copy the key again."
        )
    return key
