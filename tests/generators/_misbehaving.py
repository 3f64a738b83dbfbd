"""A server that keeps to no rule of HTTP: it writes what it is told, as slowly as it is told."""

import contextlib
import socket
import threading
import time


class Misbehaving:
    """Accepts connections and writes parts to each, for ever, with a pause after each part.

    Parameters
    ----------
    parts : iterable of bytes, made anew for each connection by calling it
    pause : float
    """

    def __init__(self, parts, pause=0.05, wrap=None):
        self.parts, self.pause, self.wrap = parts, pause, wrap
        self.connections = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if wrap == "tls" else "http"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._socket.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections.append(connection)
                threading.Thread(target=self._write, args=[connection], daemon=True).start()

    def _write(self, connection):
        with contextlib.suppress(OSError):
            for part in self.parts():
                connection.sendall(part)
                time.sleep(self.pause)
