"""From a fault to one sentence that says what failed, in the server's words, and what to do."""

import re
from typing import Any
from urllib.parse import urlsplit

from sklw.exceptions import EndpointError
from sklw.generators._endpoint.address import without_secrets
from sklw.generators._endpoint.errors import Fault

__all__ = ["endpoint_error"]


def endpoint_error(generator: Any, fault: Fault, address: str) -> EndpointError:
    """Say what failed and what to do."""
    where = without_secrets(address) or address
    tries = f"after {int(generator.max_retries) + 1} tries"
    route = _route_advice(where)
    what, advice = {
        "key": (
            f"refused the key in the environment variable {generator.api_key_env}",
            "Check the key and what it may be used for",
        ),
        "credit": ("has no credit left for this key", "Look at your plan and balance there"),
        "model": (f"has no model {generator.model!r}", "Check model"),
        "route": (f"has no model {generator.model!r}, or no endpoint at this path", route),
        "certificate": (
            "has a certificate that cannot be verified",
            "Set the environment variable SSL_CERT_FILE to the certificates that it is signed with",
        ),
        "slow": (
            f"gave no answer within {generator.timeout:g} seconds {tries}",
            "Raise timeout, or lower max_concurrency",
        ),
        "busy": (
            f"still gets too many requests {tries}, or the quota is used up"
            + (f", and asks to wait {fault.wait:.0f} seconds" if fault.wait else ""),
            "Lower max_concurrency, raise max_retries or timeout, or look at your plan",
        ),
        "passing": (f"failed {tries}", "Look at the server's log, and try again"),
        "unsendable": ("was not asked", "Check that prompts and schemas hold what JSON can"),
        "unreadable": (
            "sent what cannot be read",
            "Look at the server's log, and check that base_url is an OpenAI-compatible endpoint. "
            + route,
        ),
    }.get(fault.kind, _unreachable(fault, tries, where))
    status = f" (status {fault.status})" if fault.status else ""
    sentence = generator.masked(fault.sentence).rstrip(". ") or "no reason given"
    return EndpointError(
        f"{where} {what}: {sentence}{status}. {advice}. What was answered is kept, and with cache= "
        "a second run sends the rest only."
    )


def _unreachable(fault: Fault, tries: str, where: str) -> tuple[str, str]:
    said = fault.sentence.lower()
    if "wrong version number" in said or "wrong_version_number" in said:
        return "cannot be reached", f"It speaks no TLS: write {'http' + where[5:]!r}"
    tried = "" if fault.names else f" {tries}"
    return f"cannot be reached{tried}", "Check that the server runs, and base_url's host and port"


def _route_advice(where: str) -> str:
    path = urlsplit(where).path.rstrip("/")
    if re.match("https?:", where) and not re.search(r"/v\d", path):
        # Most servers have their endpoint there.
        return f"Try base_url={where.partition('?')[0].rstrip('/') + '/v1'!r}"
    return "Check model and base_url, which mostly ends in /v1"
