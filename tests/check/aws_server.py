"""Amazon SES on loopback as botocore speaks to it over HTTP: real requests, answers that a test writes."""

import json
import re
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/")


@contextmanager
def aws(answers: Mapping[tuple[str, str], Any]):
    """`(region, path)` -> what is answered; all else is refused. Gives the environment of a client."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            scope = _SCOPE.search(self.headers["Authorization"])
            found = answers.get((scope[1] if scope else "", self.path.partition("?")[0]))
            body = json.dumps({"message": "no"} if found is None else found).encode()
            self.send_response(403 if found is None else 200)
            if found is None:
                self.send_header("x-amzn-ErrorType", "AccessDeniedException")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield {
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            }
        finally:
            server.shutdown()
            thread.join()
