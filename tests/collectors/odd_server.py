"""An IMAP server with the faults that real ones have and no test can make a healthy one have."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count


@dataclass
class OddServer:
    messages: dict[int, bytes]
    greeting: str = "* OK ready"
    capabilities: str = "IMAP4rev1 AUTH=PLAIN"
    refused: set[int] = field(default_factory=set)
    """Messages whose text the server says NO to."""
    broken: set[int] = field(default_factory=set)
    """Messages on whose text the server dies."""
    sound_folder: str = ""
    """The folder in which it does not. All folders hold the same messages."""
    empty: set[int] = field(default_factory=set)
    """Messages that the server has nothing to say of but their number."""
    new_validity_each_time: bool = False
    tells_next_uid: bool = True
    read_only: bool = False
    told: dict[str, Iterable[bytes]] = field(default_factory=dict)
    """What is told to commands that match, instead of the truth."""
    ends: dict[str, str] = field(default_factory=dict)
    """How the answer to commands that match ends, instead of OK."""
    attributes: dict[int, str] = field(default_factory=dict)
    """What is told of a message beside its UID, instead of size and date."""
    texts: dict[int, bytes] = field(default_factory=dict)
    """What is told of a message beside its UID, instead of its text."""
    commands: list[str] = field(default_factory=list)
    """What clients asked, without tags."""
    connections: list[socket.socket] = field(default_factory=list)
    port: int = 0
    _folder: str = ""
    """Opened last."""
    _validity: Iterator[int] = field(default_factory=lambda: count(1))

    def hang_up(self) -> None:
        """Close every connection there is, as a server that restarts does."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, command: str) -> Iterator[bytes]:
        """What goes before the tagged answer. Raises ValueError for NO, ConnectionError to hang up."""
        verb, _, rest = command.partition(" ")
        if verb == "UID":
            verb, _, rest = rest.partition(" ")
        match verb.upper():
            case "CAPABILITY":
                yield f"* CAPABILITY {self.capabilities}".encode()
            case "LIST":
                yield b'* LIST () "/" INBOX'
            case "SELECT" | "EXAMINE":
                self._folder = rest.strip('"')
                yield from self._select()
            case "SEARCH":
                yield f"* SEARCH {' '.join(map(str, self._search(rest)))}".encode()
            case "FETCH":
                yield from self._fetch(rest)
            case "LOGOUT":
                yield b"* BYE"

    @staticmethod
    def instead(answers: dict, command: str):
        """What is answered to a command that matches one of `answers`, None where none does."""
        return next((answers[words] for words in answers if re.match(words, command, re.IGNORECASE)), None)

    def _select(self) -> Iterator[bytes]:
        validity = next(self._validity) if self.new_validity_each_time else 7
        yield f"* {len(self.messages)} EXISTS".encode()
        yield b"* 0 RECENT"
        yield f"* OK [UIDVALIDITY {validity}] here".encode()
        if self.tells_next_uid:
            yield f"* OK [UIDNEXT {max(self.messages, default=0) + 1}] here".encode()
        if self.read_only:
            yield b"* OK [READ-ONLY] here"

    def _search(self, rest: str) -> list[int]:
        asked, onwards = re.search(r"UID ([\d,]+)(:\*)?", rest).groups()
        first = asked.split(",")[0]
        if not onwards:
            return [uid for uid in self.messages if str(uid) in asked.split(",")]
        # `n:*` is never empty: the last message belongs to it.
        return [uid for uid in self.messages if uid >= int(first)] or list(self.messages)[-1:]

    def _fetch(self, rest: str) -> Iterator[bytes]:
        wanted, _, parts = rest.partition(" ")
        for number, (uid, data) in enumerate(self.messages.items(), 1):
            if str(uid) not in wanted.split(","):
                continue
            if "BODY" not in parts:
                sound = f'RFC822.SIZE {len(data)} INTERNALDATE "20-Nov-2026 08:00:00 +0200"'
                yield f"* {number} FETCH (UID {uid} {self.attributes.get(uid, sound)})".encode()
                continue
            if uid in self.broken and self._folder != self.sound_folder:
                raise ConnectionError
            if uid in self.refused:
                raise ValueError
            if uid in self.empty:
                yield f"* {number} FETCH (UID {uid})".encode()
                continue
            text = self.texts.get(uid, b"BODY[] {%d}\r\n%b" % (len(data), data))
            yield b"* %d FETCH (UID %d %b)" % (number, uid, text)


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.odd: OddServer = self.server.odd
        self.odd.connections.append(self.connection)
        try:
            self.say(self.odd.greeting.encode())
            while line := self.rfile.readline().decode().strip():
                self.obey(*line.split(" ", 1))
        except ConnectionError:
            return

    def obey(self, tag: str, command: str) -> None:
        self.odd.commands.append(command)
        if command.upper().startswith("AUTHENTICATE"):
            self.say(b"+ ")
            self.rfile.readline()
        try:
            told = self.odd.instead(self.odd.told, command)
            for line in self.odd.answer(command) if told is None else told:
                self.say(line)
        except ValueError:
            self.say(f"{tag} NO [SERVERBUG] cannot read that".encode())
        else:
            self.say(f"{tag} {self.odd.instead(self.odd.ends, command) or 'OK done'}".encode())

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def odd_server(messages: dict[int, bytes], **faults) -> Iterator[OddServer]:
    """A server on loopback with these messages, by UID, and these faults."""
    odd = OddServer(messages, **faults)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.odd = odd
        odd.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield odd
        finally:
            server.shutdown()
            thread.join()
