"""`usher ledger`: reports as they come, what waits, and refusals in the API's words."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.cli.refusal import Refused

HELD = {
    "fact": "refund/re_1/issued",
    "account_id": "acc_1",
    "waits_for": "payment/pi_1/succeeded",
    "reason": "what it builds on is not posted yet",
    "since": "2026-11-21T12:00:00.000Z",
}


class _Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]]
    answer: tuple[int, str]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["authorization"]))
        status, body = self.answer
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[type[_Handler]]:
    handler = type("Handler", (_Handler,), {"asked": [], "answer": (200, "")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        env = f"USHER_URL=http://127.0.0.1:{server.server_port}\nUSHER_OPERATOR_TOKEN_VIEWER=viewer_1\n"
        (tmp_path / "dev.env").write_text(env)
        yield handler
        server.shutdown()
        thread.join()


def usher(data: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["ledger", *arguments, "--data", str(data)])
    if isinstance(result.exception, Refused):
        raise result.exception
    assert result.exit_code == 0
    return result.output


def test_a_report_is_printed_as_it_comes(api: type[_Handler], tmp_path: Path) -> None:
    api.answer = (200, "account,balance\r\ncash,1.00\r\n")
    shown = usher(tmp_path, "trial-balance", "--as-of", "2026-11-30")
    assert shown.splitlines() == ["account,balance", "cash,1.00"]
    usher(tmp_path, "statement", "acc_1", "--from", "2026-11-01")
    assert api.asked == [
        ("/v1/reports/ledger/trial-balance.csv?as_of=2026-11-30", "Bearer viewer_1"),
        ("/v1/reports/ledger/statement.csv?account_id=acc_1&from=2026-11-01", "Bearer viewer_1"),
    ]


def test_a_refusal_is_told_in_the_api_s_words(api: type[_Handler], tmp_path: Path) -> None:
    api.answer = (404, json.dumps({"detail": "The ledger has no entry of this account"}))
    with pytest.raises(Refused, match="no entry of this account"):
        usher(tmp_path, "statement", "acc_9")


def test_what_waits_is_shown_with_its_reason(api: type[_Handler], tmp_path: Path) -> None:
    api.answer = (200, json.dumps({"items": [HELD], "next_cursor": None}))
    shown = usher(tmp_path, "quarantine")
    for part in ("refund/re_1/issued", "acc_1", "payment/pi_1/succeeded", "2026-11-21 12:00"):
        assert part in shown
    api.answer = (200, json.dumps({"items": [], "next_cursor": None}))
    assert usher(tmp_path, "quarantine") == "nothing waits: every fact is posted\n"
