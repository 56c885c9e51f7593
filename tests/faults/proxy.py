"""TCP in front of a server, which can cut a connection at an exact moment, hold everything up or stay silent."""

import asyncio
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

READY = tuple(b"Z\x00\x00\x00\x05" + state for state in (b"I", b"T", b"E"))  # ReadyForQuery: all that was sent is dealt with
QUERY, SYNC = b"Q", b"S\x00\x00\x00\x04"  # one message that needs no more, and what ends several


class Cut(Enum):
    """What happens to the connection that sends the armed bytes."""

    BEFORE = auto()  # they never reach the server
    AFTER = auto()  # the server carries them out; its answer never reaches the client
    AT_ONCE = auto()  # they are sent on and the connection is closed in the same moment: either may win
    LATE = auto()  # the client is cut off, the server gets them when `deliver` says so


class Proxy:
    """`server` is a socket's path or a port of this machine. What is set while it runs holds from the next byte on.

    `delay_s` is waited before anything is passed on. `silent`: what comes is taken and nothing answered, by connections
    that are there and new ones. `shut`: new connections are closed at once. `says` answers whatever comes, in the server's place.
    """

    def __init__(self, server: Path | int) -> None:
        self.server = server
        self.cuts = 0
        self.delay_s, self.silent, self.shut, self.says = 0.0, False, False, b""
        self._armed: tuple[bytes, Cut] | None = None
        self._held: asyncio.Future[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server

    async def start(self) -> int:
        """Listens on a free port and returns it."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._armed is None, "an armed cut never happened"
        await self.end()

    async def end(self) -> None:
        self._server.close()
        self.cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def arm(self, needle: bytes, cut: Cut) -> None:
        """The next connection that sends `needle` is cut, once."""
        self._armed = needle, cut
        self._held = asyncio.get_running_loop().create_future()

    def disarm(self) -> bool:
        """Whether the armed cut has happened; otherwise it no longer will."""
        happened, self._armed = self._armed is None, None
        return happened

    def cut_all(self) -> int:
        """Closes every connection on both sides, without a word; how many clients had one."""
        for writer in self._open:
            writer.transport.abort()
        return len(self._open) // 2

    def heal(self) -> None:
        """Passes everything on again. Connections that missed bytes are closed."""
        was_silent = self.silent
        self.delay_s, self.silent, self.shut, self.says = 0.0, False, False, b""
        if was_silent:
            self.cut_all()

    async def deliver(self) -> None:
        """Gives the server what a LATE cut has held back, and waits until it has dealt with it."""
        assert self._held is not None
        sent, reader, writer = await self._held
        writer.write(sent)
        await _until_ready(reader)
        writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            writer.close()
            return
        try:
            from_server, to_server = await self._reach()
        except OSError:
            writer.close()
            return
        ends = {writer, to_server}
        self._open |= ends
        answers = asyncio.create_task(self._pump(from_server, writer))
        self._tasks.add(answers)
        cut = None
        try:
            with suppress(ConnectionError):
                cut = await self._forward(reader, writer, to_server)
                if cut is not None:
                    self.cuts += 1
                    await self._cut(cut, reader, from_server, to_server, answers)
        finally:
            self._open -= ends
            self._tasks.discard(answers)
            answers.cancel()
            writer.close()
            if cut is not Cut.LATE:
                to_server.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.server, int):
            return await asyncio.open_connection("127.0.0.1", self.server)
        return await asyncio.open_unix_connection(self.server)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_server: asyncio.StreamWriter) -> Cut | None:
        """Passes on what the client sends until it leaves (None) or the armed bytes come."""
        while sent := await reader.read(1 << 20):
            if self._armed is not None and self._armed[0] in sent:
                cut, self._armed = self._armed[1], None
                self._sent = sent
                return cut
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.says:
                writer.write(self.says)
            elif not self.silent:
                to_server.write(sent)
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while answer := await reader.read(1 << 20):
                if not self.silent:
                    writer.write(answer)
        if not self.silent:
            writer.close()

    async def _cut(
        self,
        cut: Cut,
        reader: asyncio.StreamReader,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        answers: "asyncio.Task[None]",
    ) -> None:
        sent = self._sent
        if cut is Cut.BEFORE:
            return
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)
        while not sent.startswith(QUERY) and SYNC not in sent and (more := await reader.read(1 << 20)):
            sent += more
        if cut is Cut.LATE:
            assert self._held is not None
            self._held.set_result((sent, from_server, to_server))
            return
        to_server.write(sent)
        await to_server.drain()
        if cut is Cut.AFTER:
            await _until_ready(from_server)


async def _until_ready(reader: asyncio.StreamReader) -> None:
    said = b""
    while not said.endswith(READY) and (more := await reader.read(1 << 20)):
        said += more
