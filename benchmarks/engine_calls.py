"""The vendor call of the engine benchmark: a server that answers after 5 ms, its client on a plain socket.

Runs as a process of its own (`python benchmarks/engine_calls.py PORT_FILE`), imported by both contestants.
"""

import asyncio
import socket
import sys
import threading
from pathlib import Path

SECONDS = 0.005
STEPS = 6
_BODY = b'{"id":"obj_1","ok":true}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_local = threading.local()


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            self._received = self._received.partition(b"\r\n\r\n")[2]
            asyncio.get_running_loop().call_later(SECONDS, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def serve(port_file: Path) -> None:
    """Answer GET requests on a free port, whose number goes to `port_file`, until killed."""
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    partial = port_file.with_suffix(".partial")
    partial.write_text(str(server.sockets[0].getsockname()[1]))
    partial.rename(port_file)
    await server.serve_forever()


def call(port: int, step: int) -> bytes:
    """One vendor call over this thread's kept-alive connection."""
    connection: socket.socket | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"GET /step/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % step)
    received = b""
    while len(received) < len(_ANSWER):
        part = connection.recv(4096)
        if not part:
            raise ConnectionError("the call server closed the connection")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(head.decode())
    return body


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
