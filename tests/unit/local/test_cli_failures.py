"""`usher failures` and `usher redrive`: what they ask, what they show, how they refuse."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.cli.refusal import Refused

PAGE = 2


class Api(ThreadingHTTPServer):
    """An operator API with failures in pages of two."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures = [failure(f"fail_{n}") for n in range(5)]
        self.refuses: dict[str, tuple[int, str]] = {}
        self.redriven: list[tuple[str, str, str]] = []  # path, token, reason

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        found = [each for each in self.server.failures if each["state"] == query["state"]]
        start = int(query.get("cursor", 0))
        following = str(start + PAGE) if start + PAGE < len(found) else None
        self._send(200, {"items": found[start : start + PAGE], "next_cursor": following})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        id = self.path.split("/")[3]
        if id in self.server.refuses:
            status, detail = self.server.refuses[id]
            return self._send(status, {"detail": detail})
        self.server.redriven.append((self.path, self.headers["authorization"], body["reason"]))
        self._send(202, {"failure_id": id})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def failure(id: str, **values: Any) -> dict[str, Any]:
    return {
        "failure_id": id,
        "kind": "degraded",
        "subject": "su_1",
        "account_id": "acc_1",
        "state": "open",
        "step": "sync_crm",
        "reason": "answered 503 [try later]",
        "what_to_do": "Redrive when it is back: only what lacks is done.",
        "since": "2026-11-21T12:00:00.000Z",
        "tries": 2,
        **values,
    }


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def data(tmp_path: Path, api: Api) -> Path:
    (tmp_path / "dev.env").write_text(f"USHER_URL={api.url}\nUSHER_OPERATOR_TOKEN_SUPPORT=support_1\n")
    return tmp_path


def usher(data: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments, "--data", str(data)])
    if isinstance(result.exception, Refused):
        raise result.exception
    return result.exit_code, result.output


def test_every_failure_is_shown_with_whose_it_is_and_why(api: Api, data: Path) -> None:
    code, shown = usher(data, "failures")
    assert code == 0
    for number in range(5):
        assert f"fail_{number}" in shown
    parts = ("degraded: sync_crm", "acc_1", "answered 503 [try later]", "2026-11-21 12:00", "2", "→ Redrive")
    for part in parts:
        assert part in shown


def test_another_state_is_asked_for_by_its_name(api: Api, data: Path) -> None:
    api.failures = [failure("fail_old", state="resolved")]
    assert "no failure is open" in usher(data, "failures")[1]
    code, text = usher(data, "failures", "--state", "resolved", "--json")
    assert (code, [each["failure_id"] for each in json.loads(text)]) == (0, ["fail_old"])


def test_one_failure_is_redriven_with_the_reason_and_support_s_token(api: Api, data: Path) -> None:
    assert usher(data, "redrive", "fail_3", "--reason", "fixed")[0] == 0
    assert api.redriven == [("/v1/failures/fail_3/redrive", "Bearer support_1", "fixed")]


def test_a_sign_up_stands_for_its_failure(api: Api, data: Path) -> None:
    assert usher(data, "redrive", "su_1", "--reason", "fixed")[0] == 0
    assert api.redriven[0][0] == "/v1/onboardings/su_1/redrive"


def test_all_of_them_are_redriven_and_what_runs_already_is_told(api: Api, data: Path) -> None:
    api.refuses["fail_2"] = (409, "execution x is RUNNING")
    code, shown = usher(data, "redrive", "--all", "--reason", "fixed")
    assert code == 1
    assert len(api.redriven) == 4
    assert "fail_2: execution x is RUNNING" in shown
    assert "4 of 5 are tried again" in shown


def test_an_usher_elsewhere_is_reached_by_address_and_token(api: Api, tmp_path: Path) -> None:
    arguments = ("redrive", "fail_1", "--reason", "fixed", "--url", f"{api.url}/", "--token", "mine")
    assert usher(tmp_path, *arguments)[0] == 0
    assert api.redriven[0][1] == "Bearer mine"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("redrive", "--reason", "x"), "or say --all"),
        (("redrive", "fail_1", "--all", "--reason", "x"), "or say --all"),
        (("failures", "--url", "http://x"), "needs --token"),
    ],
)
def test_what_is_not_clear_is_refused_in_words(
    api: Api, data: Path, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        usher(data, *arguments)
    assert api.redriven == []


def test_a_wrong_role_is_refused_in_words(api: Api, data: Path) -> None:
    api.refuses["fail_1"] = (403, "This token's role may not do this")
    with pytest.raises(Refused, match="may not do this"):
        usher(data, "redrive", "fail_1", "--reason", "x")
