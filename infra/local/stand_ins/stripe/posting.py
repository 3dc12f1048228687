"""A small HTTP client for webhooks: POST over a few kept-alive connections, status code out."""

import asyncio
import ssl
from typing import Any
from urllib.parse import urlsplit

import httptools

TIMEOUT_SECONDS = 20.0


class PostFailed(Exception):
    """No HTTP answer came."""


class Poster:
    """Posts to one URL over at most `connections` connections."""

    def __init__(self, url: str, connections: int) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "localhost", parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = f"POST {target} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        head += "content-type: application/json; charset=utf-8\r\n"
        self._head = head + "user-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\naccept: */*\r\n"
        self._idle: list[_Connection] = []
        self._open = 0

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        """The answer's status code; raises PostFailed when none comes."""
        head = self._head + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        message = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while self._idle:  # an idle connection may just have been closed by the other side
                    connection = self._idle.pop()
                    if connection.usable:
                        break
                else:
                    connection = await self._connect()
                status = await connection.post(message)
        except (OSError, TimeoutError) as error:
            raise PostFailed(f"{type(error).__name__}: {error}") from error
        if connection.usable:
            self._idle.append(connection)
        return status

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        context = ssl.create_default_context() if self._tls else None
        _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=context)
        return connection

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = None
        self._answer: asyncio.Future[int] | None = None
        self.usable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.usable = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(ConnectionResetError("the endpoint closed the connection"))

    async def post(self, message: bytes) -> int:
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"malformed answer: {error}"))
            self.close()

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)

    def close(self) -> None:
        """Close it now."""
        self.usable = False
        self._transport.abort()
