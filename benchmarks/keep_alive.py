"""Requests over kept connections from one thread of a process of its own, so that the load costs little.

An asyncio protocol per connection: it writes the next request when the answer to the last one is complete. It
reads only what its servers send: answers with a content-length.
"""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

from infra.local.signed_posts import Signed

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass
class Answers:
    """How many of each status, the seconds each took, and the seconds of all together."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0


def post_all(url: str, path: str, requests: Sequence[Signed], *, connections: int) -> Answers:
    """Post all requests as fast as they are answered, from another process. Raises ConnectionError."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_post_all, url, path, requests, connections).result()


def _post_all(url: str, path: str, requests: Sequence[Signed], connections: int) -> Answers:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(url, path, requests, connections))


async def _run(url: str, path: str, requests: Sequence[Signed], connections: int) -> Answers:
    answers, loop, place = Answers(), asyncio.get_running_loop(), urlsplit(url)
    waiting = iter([_bytes(place.netloc, path, request) for request in requests])
    began = time.perf_counter()
    ends = []
    for _ in range(connections):
        _, connection = await loop.create_connection(
            lambda: _Connection(waiting, answers, loop.create_future()),
            place.hostname or "",
            place.port or 80,
        )
        ends.append(connection.ended)
    await asyncio.gather(*ends)
    answers.elapsed = time.perf_counter() - began
    return answers


def _bytes(host: str, path: str, request: Signed) -> bytes:
    headers = {"host": host, **request.headers, "content-length": str(len(request.body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + _END + request.body


class _Connection(asyncio.Protocol):
    def __init__(self, waiting: Iterator[bytes], answers: Answers, ended: "asyncio.Future[None]") -> None:
        self._waiting = waiting
        self._answers = answers
        self.ended = ended
        self._received = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end:
            return
        start = head.lower().index(_LENGTH) + len(_LENGTH)
        if len(body) < int(head[start:].split(b"\r\n", 1)[0]):
            return
        self._answers.seconds.append(time.perf_counter() - self._sent)
        self._answers.statuses[int(head[9:12])] += 1
        self._received = b""
        self._next()

    def _next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)
