"""A cable between a client and a server on loopback that can be long, cut, or dead."""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Fault:
    """What happens to one connection once so many bytes came from the server."""

    after_bytes: int
    silent: bool = False
    """Nothing more arrives, and nobody says so; otherwise the connection is closed."""


class Wire:
    """Forwards to `host:port`, each way `delay_seconds` late.

    `faults` are used up by new connections, one each; with None or without one a connection is sound.
    """

    def __init__(self, host: str, port: int, *, delay_seconds: float = 0.0) -> None:
        self._target = (host, port)
        self._delay = delay_seconds
        self.faults: deque[Fault | None] = deque()
        self.cut_after: bytes | None = None
        """Words of a client after which its connection ends, once; the server gets them still."""
        self.connections = 0
        self.struck = 0
        """Faults that took effect."""
        self.received_bytes = 0
        """From the server, over all connections."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._silenced = 0
        """Connections up to this number carry nothing any more."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hang_up(self) -> None:
        """Close every connection there is, as a server that restarts does."""
        self._call(self._cancel())

    def silence(self) -> None:
        """Let nothing more arrive on the connections there are, as a router does that forgot them."""
        self._silenced = self.connections

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _stop(self) -> None:
        self._server.close()
        await self._cancel()

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        self._tasks.add(task)
        fault = self.faults.popleft() if self.faults else None
        far_writer = None
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            ways = [
                asyncio.create_task(self._carry(reader, far_writer, number)),
                asyncio.create_task(self._carry(far_reader, writer, number, fault, counted=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in filter(None, (writer, far_writer)):
                end.close()
            self._tasks.discard(task)

    async def _carry(
        self, reader, writer, number: int, fault: Fault | None = None, *, counted: bool = False
    ) -> None:
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1000)
        sender = asyncio.create_task(self._send(late, writer))
        left = fault.after_bytes if fault else None
        try:
            while data := await reader.read(65536):
                if number <= self._silenced:
                    await asyncio.Event().wait()
                if left is not None:
                    data, left = data[:left], left - len(data)
                self.received_bytes += len(data) if counted else 0
                await late.put((self._loop.time() + self._delay, data))
                if not counted and self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    self.struck += 1
                    break
                if left is not None and left <= 0:
                    self.struck += 1
                    if fault.silent:
                        await asyncio.Event().wait()
                    break
            await late.put((self._loop.time() + self._delay, b""))
            await sender
        finally:
            sender.cancel()

    async def _send(self, late: asyncio.Queue, writer) -> None:
        while True:
            due, data = await late.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not data:
                return
            writer.write(data)
            await writer.drain()
