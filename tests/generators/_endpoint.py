"""A small OpenAI-compatible endpoint that fails on demand, as no real server will."""

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # beyond these the kernel drops connections, to be tried again later


class Endpoint:
    """Answers "answer to <prompt> <seed>"; `script(prompt, nth)` may return what to do instead.

    `nth` counts how often the prompt has been asked, from 0.
    """

    def __init__(self, script=lambda prompt, nth: None, seconds=0.0):
        self.script = script
        self.seconds = seconds
        self.asked = Counter()
        self.bodies = []
        self.headers = []
        self.paths = []
        self.running = 0
        self.most_running = 0
        self._connections = set()
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                endpoint._serve(self)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        prompt = body.get("prompt") or body["messages"][-1]["content"]
        with self._lock:
            nth = self.asked[prompt]
            self.asked[prompt] += 1
            self.bodies.append(body)
            self.paths.append(handler.path)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self._connections.add(handler.connection)
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            time.sleep(self.seconds)
            what = self.script(prompt, nth)
            self._respond(handler, body, prompt, what or {})
        finally:
            with self._lock:
                self.running -= 1

    def _respond(self, handler, body, prompt, what):
        if what.get("reset"):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        time.sleep(what.get("hang", 0))
        text = what.get("text", f"answer to {prompt} {body.get('seed')}")
        kind = "text" if "prompt" in body else "message"
        choices = [
            {
                "index": at,
                "finish_reason": "stop",
                kind: text if kind == "text" else {"role": "assistant", "content": text},
            }
            for at in range(what.get("choices", body.get("n", 1)))
        ]
        found = {
            "id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": choices,
            "usage": {"prompt_tokens": 7, "completion_tokens": 3 * len(choices),
                      "total_tokens": 7 + 3 * len(choices)},
        }  # fmt: skip
        content = json.dumps(what.get("json", found))[: what.get("cut")].encode()
        content = what.get("raw", content)
        handler.send_response(what.get("status", 200))
        handler.send_header("Content-Type", what.get("type", "application/json"))
        for name, value in what.get("headers", {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) + what.get("missing", 0)))
        handler.close_connection |= "missing" in what
        with contextlib.suppress(OSError):  # the client may have given up
            handler.end_headers()
            for start in range(0, len(content), step := what.get("drip", len(content) or 1)):
                handler.wfile.write(content[start : start + step])
                time.sleep(0.2 if "drip" in what else 0)
