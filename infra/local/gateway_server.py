"""uvicorn in front of the gateway, on a thread of its own."""

import socket
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.local.gateway import problem
from infra.local.request_ids import request_id


class _Protocol(HttpToolsProtocol):
    """Answers what is not HTTP in the same form as everything else that is refused."""

    def send_400_response(self, msg: str) -> None:
        response = problem(400, "Malformed request", "This is not HTTP as we know it", request_id())
        head = ["HTTP/1.1 400 Bad Request", f"content-length: {len(response.body)}", "connection: close"]
        head += [f"{name.decode()}: {value.decode()}" for name, value in response.headers]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + response.body)
        self.transport.close()


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class GatewayServer:
    """Serves an ASGI application on `host:port`; port 0 takes a free one. Raises OSError when it is taken."""

    def __init__(self, application: Any, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port), backlog=2048)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._server = _Server(
            uvicorn.Config(
                application,
                http=_Protocol,
                loop="uvloop",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=10,
            )
        )
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        """Return once requests are taken. Raises RuntimeError when the server ended instead (see the log)."""
        self._thread.start()
        self._server.listening.wait()
        if not self._server.started:
            raise RuntimeError(f"the gateway could not serve {self.url}")

    def stop(self) -> None:
        """Take no more connections, let the requests in flight be answered, then return."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.listening.set()  # whoever waits in `start` learns of the end
