"""No wait lasts longer than timeout, whatever the server does."""

import itertools
import shutil
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import openai  # noqa: F401 - loads in seconds, which are not to be timed
import pytest

from sklw import OpenAIGenerator
from sklw.exceptions import EndpointError
from sklw.generators import Request

sys.path.insert(0, str(Path(__file__).parent))
from _endpoint import Endpoint
from _misbehaving import Misbehaving

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WAYS = {
    "nothing": lambda: iter([]),
    "headers without an end": lambda: itertools.chain(
        [OK], (b"X-%d: 1\r\n" % n for n in itertools.count())
    ),
    "a header letter by letter": lambda: itertools.chain([OK, b"X: "], itertools.repeat(b"a")),
    "100 for ever": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "102 for ever": lambda: itertools.repeat(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body letter by letter": lambda: itertools.chain(
        [OK + b"Content-Length: 100000\r\n\r\n"], itertools.repeat(b" ")
    ),
    "chunks without an end": lambda: itertools.chain(
        [OK + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\n \r\n")
    ),
    "an error letter by letter": lambda: itertools.chain(
        [b"HTTP/1.1 500 Bad\r\nContent-Length: 100000\r\n\r\n"], itertools.repeat(b" ")
    ),
}


def ask(url, **kwargs):
    """Ask, and return the seconds that it took to fail."""
    kwargs = {"timeout": 1.0, "max_retries": 1} | kwargs
    start = time.monotonic()
    with pytest.raises(EndpointError) as caught:
        OpenAIGenerator("tiny", base_url=url, **kwargs).generate([Request("p", seed=0)])
    return time.monotonic() - start, str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_try_ends_in_time(way):
    with Misbehaving(way) as server:
        seconds, message = ask(server.url)
        assert len(server.connections) == 2
    assert "gave no answer within 1 seconds after 2 tries" in message
    assert seconds < 2 * 1.0 + 0.5 + 2.5


@pytest.mark.slow
def test_a_handshake_ends_in_time():
    with Misbehaving(lambda: iter([]), wrap="tls") as server:
        seconds, message = ask(server.url)
    assert "gave no answer within 1 seconds" in message
    assert seconds < 5


@pytest.mark.slow
def test_a_look_up_ends_in_time(monkeypatch):
    import socket

    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(20))
    seconds, message = ask("http://nowhere.invalid/v1")
    released.set()
    assert "gave no answer within 1 seconds" in message
    assert seconds < 6


@pytest.mark.slow
def test_an_answer_without_an_end_is_given_up():
    chunk = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    parts = lambda: itertools.chain(  # noqa: E731
        [OK + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(chunk)
    )
    with Misbehaving(parts, pause=0) as server:
        _, message = ask(server.url, timeout=30.0, max_retries=0)
    assert "longer than 64 MiB" in message


def test_what_is_no_http_is_told():
    with Misbehaving(lambda: iter([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"])) as server:
        _, message = ask(server.url, timeout=5.0)
    assert "cannot be reached" in message
    assert "SSH-2.0" in message


def test_a_certificate_that_is_not_trusted_is_told_at_once(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    files = tmp_path / "key", tmp_path / "certificate"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", files[0], "-out", files[1]], check=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    with Endpoint() as endpoint:
        endpoint._server.socket = context.wrap_socket(endpoint._server.socket, server_side=True)
        seconds, message = ask("https" + endpoint.url[4:], timeout=10.0, max_retries=5)
        assert not endpoint.bodies
    assert "certificate that cannot be verified" in message
    assert "SSL_CERT_FILE" in message
    assert seconds < 5


@pytest.mark.slow
def test_nothing_is_left_running(tmp_path):
    with Misbehaving(WAYS["100 for ever"]) as server:
        code = f"""if True:
            from sklw import OpenAIGenerator
            from sklw.exceptions import EndpointError
            from sklw.generators import Request
            try:
                OpenAIGenerator("m", base_url={server.url!r}, timeout=0.5, max_retries=0).generate(
                    [Request("p", seed=0)])
            except EndpointError:
                print("told")
        """
        found = subprocess.run(
            [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60
        )
    assert found.stdout == "told\n"
    # asyncio also says there what took long, as anything may on a busy machine.
    lines = [line for line in found.stderr.splitlines() if not line.startswith("Executing <")]
    assert not [line for line in lines if "sklw" in line]
    assert not [t for t in threading.enumerate() if t.name == "sklw-endpoint"]
