"""A real mail server and a real HTTP endpoint on loopback, which can be well, broken, slow or gone."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


class Mailbox:
    """What an SMTP server took; `refused` are recipients it knows nothing of."""

    def __init__(self):
        self.messages = []
        self.refused = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope.content)
        return "250 OK"


@contextmanager
def mail_server(mailbox):
    """Its port; the server is gone afterwards."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=0)
    # aiosmtpd asks for the port before it knows which one it got.
    controller.port = free_port()
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hook:
    """A webhook. `mode` is ok, broken (500), silent (never answers) or drip (a byte now and then)."""

    def __init__(self):
        self.mode = "ok"
        self.bodies = []
        self.before_answer = lambda: None
        self._closing = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.answer(self, body)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        return f"json://127.0.0.1:{self.port}/hooks/s3cr3t-t0ken"

    def answer(self, request, body):
        self.before_answer()
        match self.mode:
            case "ok":
                self.bodies.append(body.decode())
                request.send_response(200)
                request.end_headers()
            case "broken":
                request.send_response(500)
                request.end_headers()
            case "silent":
                self._closing.wait(60)
            case "drip":
                self._drip(request)

    def _drip(self, request):
        while not self._closing.is_set():
            try:
                request.wfile.write(b"H")
                request.wfile.flush()
            except OSError:
                return
            time.sleep(0.2)

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hook():
    made = Hook()
    try:
        yield made
    finally:
        made.close()
