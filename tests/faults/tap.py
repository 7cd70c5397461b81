"""
A tap between the consumer and the sandbox: keeps every request body as it was on the wire.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

FORWARD_S_MAX = 30.0
PASSED_ON = ("Authorization", "Content-Type", "Content-Encoding")


class Tap:
    """`with Tap(url) as tap`: requests to `tap.url` go to `url`; `tap.seen` is what was sent."""

    def __init__(self, url: str) -> None:
        self.seen: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(url).netloc, self.seen))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(target: str, seen: list[bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.path.encode() + b"\n" + body)
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            there = http.client.HTTPConnection(target, timeout=FORWARD_S_MAX)
            try:
                there.request("POST", self.path, body, headers)
                answer = there.getresponse()
                content = answer.read()
            except (http.client.HTTPException, OSError):
                self.close_connection = True  # broken off there, broken off here
                return
            finally:
                there.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing of a request is logged."""

    return Handler
