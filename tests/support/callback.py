"""A program that waits at a loopback address for the browser to bring it a code, as the AWS CLI does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Callback:
    """Where it waits, and what it was brought."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/oauth/callback"
        self.answers: list[dict[str, list[str]]] = []


@contextmanager
def callback() -> Iterator[Callback]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/oauth/callback":
                waiting.answers.append(parse_qs(urlsplit(self.path).query))
            body = b"<!doctype html><title>Done</title><main><h1>Done</h1></main>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        waiting = Callback(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield waiting
        finally:
            server.shutdown()
            thread.join()
