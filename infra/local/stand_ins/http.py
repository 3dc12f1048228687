"""HTTP/1.1 for stand-ins: a request, an answer, and a server that does little else (httptools on asyncio).

A general ASGI server costs several times the work of a stand-in's own handler, and a stand-in also needs
what ASGI hides: to drop a connection, to hold an answer back, to send half of one.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

import httptools

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
MAX_BODY = 8 * 1024 * 1024
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    207: "Multi-Status",
    303: "See Other",
}


@dataclass(slots=True)
class Request:
    """One request. Header names are lower case; `operation` and `path_params` are set by the route,
    `params` by a stand-in that decodes parameters when it checks the request."""

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    operation: str = ""
    path_params: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        """The query's values by name; of a repeated name the last one."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)


@dataclass(slots=True)
class Answer:
    """What goes back. `fate` other than "send" is a fault: the connection is dropped, now or late."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds of wall time
    fate: Literal["send", "drop"] = "send"

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> "Answer":
        """`value` as a JSON answer."""
        return cls(status, _ENCODE(value).encode(), {"content-type": "application/json"} | headers)

    def json(self) -> Any:
        """The body as JSON, for tests and in-process callers."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One client connection, kept alive; requests on it are answered one after the other."""

    def __init__(self, answer: Callable[[Request], Answer], open_connections: "set[Connection]") -> None:
        self._answer = answer
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's only acts like one
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:  # a bug of the stand-in: say so, loudly
            message = f"stand-in failed on {self._url.decode('latin-1')}"
            context = {"message": message, "exception": error.__context__ or error}
            asyncio.get_running_loop().call_exception_handler(context)
            self._send(Answer(500, f"{message}: {error.__context__!r}".encode()), keep_alive=False)
        except httptools.HttpParserError:
            self._send(Answer(400, b"malformed HTTP request"), keep_alive=False)

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode()
        request = Request(method, unquote(path), query, self._headers, b"".join(self._body))
        keep_alive = self._parser.should_keep_alive()
        answer = Answer(413) if len(request.body) > MAX_BODY else self._answer(request)
        if answer.delay:
            asyncio.get_running_loop().call_later(answer.delay, self._finish, answer, keep_alive)
        else:
            self._finish(answer, keep_alive)

    def _finish(self, answer: Answer, keep_alive: bool) -> None:
        if answer.fate == "drop":
            self.close()
        else:
            self._send(answer, keep_alive=keep_alive)

    def _send(self, answer: Answer, *, keep_alive: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        reason = REASONS.get(answer.status, "Status")
        head = [f"HTTP/1.1 {answer.status} {reason}\r\ncontent-length: {len(answer.body)}\r\n"]
        head += [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
        head.append("\r\n" if keep_alive else "connection: close\r\n\r\n")
        self._transport.write("".join(head).encode("latin-1") + answer.body)
        if not keep_alive:
            self._transport.close()

    def close(self) -> None:
        """Drop the connection without another word."""
        if self._transport:
            self._transport.abort()


@dataclass(slots=True)
class Server:
    """A listening server; `close` also drops the connections that clients keep alive."""

    port: int
    _server: asyncio.AbstractServer
    _connections: set[Connection]

    async def close(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.close()
        await self._server.wait_closed()


async def listen(answer: Callable[[Request], Answer], port: int, host: str = "127.0.0.1") -> Server:
    """Serve `answer` on `host:port`; port 0 takes a free one. Raises OSError when the port is taken."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer, connections), host, port, backlog=1024)
    return Server(server.sockets[0].getsockname()[1], server, connections)
