"""A DNS server on loopback, UDP and TCP, that answers from zones written in a test, well or badly."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from dmarcwatch.check.resolver import Dns, Servers

Zone = Mapping[str, "str | list[str] | Fault"]
"""`name TYPE` -> records as in a zone file. A name with any record exists, and so do those above it."""


class Fault(Enum):
    """How a server can fail to answer for one name."""

    SILENT = "silent"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    REFERRAL = "referral"
    GARBAGE = "garbage"
    OTHER_QUESTION = "other-question"
    TRUNCATED = "truncated"
    """Over UDP only; TCP gives the answer that stands under the same name with type `TCP`."""


BASIC: Zone = {"com NS": "a.gtld-servers.net.", "example.com SOA": "ns. host. 1 2 3 4 5"}


class DnsServer:
    """Answers in threads of its own until the `with` ends; `asked` lists the questions."""

    def __init__(self, zone: Zone, *, otherwise: "str | Fault | None" = None) -> None:
        self.zone = {_key(*key.rsplit(" ", 1)): value for key, value in {**BASIC, **zone}.items()}
        self.otherwise = otherwise
        """What is answered for names that no zone holds: a TXT, a fault, or None for NXDOMAIN."""
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def answer(self, wire: bytes, *, tcp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name.rstrip("."), kind))
        found = self._find(name, kind)
        if isinstance(found, Fault) and not (tcp and found is Fault.TRUNCATED):
            return _fail(found, query)
        if isinstance(found, Fault):
            found = [str(self.zone[name, "TCP"])]
        response = dns.message.make_response(query, recursion_available=True)
        if found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        for target, records in self._chain(name, kind, found or []):
            response.answer.append(dns.rrset.from_text_list(target, 60, "IN", *records))
        return response.to_wire()

    def _find(self, name: str, kind: str) -> "list[str] | Fault | None":
        """The records, an empty list for a name without this type, None for no such name."""
        value = self.zone.get((name, kind), self.zone.get((name, "ANY")))
        if value is None and (name, "CNAME") in self.zone:
            value = []
        if isinstance(value, Fault):
            return value
        if value is not None:
            return [value] if isinstance(value, str) else list(value)
        if any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            return []
        if isinstance(self.otherwise, str):
            return [self.otherwise] if kind == "TXT" else []
        return self.otherwise

    def _chain(self, name: str, kind: str, found: list[str]) -> list[tuple[str, tuple[str, list[str]]]]:
        alias = self.zone.get((name, "CNAME"))
        if kind == "CNAME" or not isinstance(alias, str):
            return [(name, (kind, found))] if found else []
        steps: list[tuple[str, tuple[str, list[str]]]] = [(name, ("CNAME", [alias]))]
        for _ in range(20):
            target = _name(alias)
            records = self.zone.get((target, kind))
            if records and isinstance(records, str | list):
                return [*steps, (target, (kind, [records] if isinstance(records, str) else records))]
            alias = self.zone.get((target, "CNAME"))
            if not isinstance(alias, str):
                return steps
            steps.append((target, ("CNAME", [alias])))
        return steps


def _fail(fault: Fault, query: dns.message.Message) -> bytes | None:
    if fault is Fault.SILENT:
        return None
    if fault is Fault.GARBAGE:
        return b"\x00" * 7
    response = dns.message.make_response(query, recursion_available=fault is not Fault.REFERRAL)
    if fault is Fault.SERVFAIL:
        response.set_rcode(dns.rcode.SERVFAIL)
    if fault is Fault.REFUSED:
        response.set_rcode(dns.rcode.REFUSED)
    if fault is Fault.TRUNCATED:
        response.flags |= dns.flags.TC
    if fault is Fault.OTHER_QUESTION:
        response.question[0] = dns.rrset.RRset(dns.name.from_text("other.example"), 1, 16)
    return response.to_wire()


def _name(text: str) -> str:
    return text.lower() if text.endswith(".") else f"{text.lower()}."


def _key(name: str, kind: str) -> tuple[str, str]:
    return _name(name), kind


def _handlers(server: DnsServer) -> tuple[type, type]:
    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            answer = server.answer(data, tcp=False)
            if answer is not None:
                sock.sendto(answer, self.client_address)

    class Stream(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.request.recv(2, socket.MSG_WAITALL))
            answer = server.answer(self.request.recv(length, socket.MSG_WAITALL), tcp=True)
            if answer is not None:
                self.request.sendall(struct.pack("!H", len(answer)) + answer)

    return Datagram, Stream


@contextmanager
def serving(zone: Zone, **settings):
    """The server, on a port that is free for UDP and TCP."""
    server = DnsServer(zone, **settings)
    with ExitStack() as stack:
        pair = _pair(*_handlers(server))
        server.port = pair[0].server_address[1]
        for each in pair:
            thread = threading.Thread(target=each.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(each.server_close)
            stack.callback(each.shutdown)
        yield server


class _Stream(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _pair(datagram: type, stream: type) -> tuple[socketserver.UDPServer, socketserver.TCPServer]:
    """Both on one port; another one where somebody else has the second."""
    for _ in range(50):
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), datagram)
        try:
            return udp, _Stream(udp.server_address, stream)
        except OSError:
            udp.server_close()
    raise OSError("no port is free for both")


@contextmanager
def asking(zone: Zone, *, timeout_seconds: float = 20.0, **settings):
    """Questions that go to a server with these zones."""
    with serving(zone, **settings) as server:
        yield Dns(Servers((("127.0.0.1", server.port),), timeout_seconds))


def checked(check: Callable[..., object], zone: Zone, *arguments: object, **settings):
    """What a check comes to against a server with these zones."""
    with asking(zone) as dns_:
        return check(dns_, *arguments, **settings)


def txt(*strings: str) -> str:
    """A TXT record of one string, or of several; long ones are cut as DNS wants them."""
    parts = [each[start : start + 255] for each in strings for start in range(0, len(each) or 1, 255)]
    return " ".join('"' + part.replace('"', '\\"') + '"' for part in parts)
