"""A backend that reads as strictly as can be, and remembers every request to the byte."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t \x21-\x7e\x80-\xff]*")
_FIRST = re.compile(rb"([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.1")


@dataclass
class Reached:
    """A request that reached the backend."""

    target: str
    headers: list[tuple[str, bytes]]
    body: bytes


class Malformed(Exception):
    """Something no proxy may send on."""


class Echo:
    """Listens on a free port until it is closed. Every answer names the target it is for."""

    def __init__(self):
        self.reached: list[Reached] = []
        self.malformed: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()

    def close(self):
        """Ends it."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join()

    async def _end(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._loop.call_soon(self._loop.stop)

    async def _serve(self, reader, writer):
        taken = bytearray()
        try:
            while head := await self._head(reader, taken):
                target, headers = head
                body = await self._body(reader, headers, taken)
                self.reached.append(Reached(target, headers, body))
                text = f"for {target};".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                await writer.drain()
                taken.clear()
        except Malformed:
            self.malformed.append(bytes(taken))
        except (
            asyncio.CancelledError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
        ):
            # A request that broke off is none: it is not answered.
            pass
        finally:
            writer.close()

    async def _line(self, reader, taken) -> bytes:
        line = await reader.readuntil(b"\n")
        taken += line
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Malformed
        return line[:-2]

    async def _head(self, reader, taken):
        try:
            first = await self._line(reader, taken)
        except asyncio.IncompleteReadError as end:
            taken += end.partial
            if end.partial:
                raise Malformed from None
            return None
        found = _FIRST.fullmatch(first)
        if not found:
            raise Malformed
        headers = []
        while line := await self._line(reader, taken):
            name, colon, value = line.partition(b":")
            if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
                raise Malformed
            headers.append((name.decode().lower(), value.strip()))
        return found[2].decode(), headers

    async def _body(self, reader, headers, taken) -> bytes:
        lengths = [value for name, value in headers if name == "content-length"]
        codings = [value for name, value in headers if name == "transfer-encoding"]
        hosts = [value for name, value in headers if name == "host"]
        if len(lengths) + len(codings) > 1 or len(hosts) != 1:
            raise Malformed
        if codings:
            if codings != [b"chunked"]:
                raise Malformed
            return await self._chunks(reader, taken)
        if lengths:
            if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
                raise Malformed
            body = await reader.readexactly(int(lengths[0]))
            taken += body
            return body
        return b""

    async def _chunks(self, reader, taken) -> bytes:
        body = b""
        while True:
            size = await self._line(reader, taken)
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
                raise Malformed
            if int(size, 16) == 0:
                break
            chunk = await reader.readexactly(int(size, 16) + 2)
            taken += chunk
            if not chunk.endswith(b"\r\n"):
                raise Malformed
            body += chunk[:-2]
        # Trailers could say what only a head may say.
        if await self._line(reader, taken):
            raise Malformed
        return body
