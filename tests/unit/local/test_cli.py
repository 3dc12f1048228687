"""The command line: what it posts, what it shows, how it refuses; against a small server that records."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from infra import policy_files
from infra.local.cli import app, main, samples, view
from infra.local.cli.following import Followed, follow
from infra.local.cli.refusal import Refused
from usher.domain.onboarding import WORK
from usher.domain.plans import PlanCatalog
from usher.usecases.signup_request import parse_signup

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zaWdudXA="
ID = "su_" + "a" * 26


def told(status: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A status body."""
    ids = dict.fromkeys(("customer_id", "subscription_id", "tenant_id", "contact_id"))
    return {
        "signup_id": ID,
        "correlation_id": "cor_1",
        "status": status,
        "stage": status,
        "account_id": "acc_1",
        "plan": "free",
        "ids": ids,
        "steps": list(steps),
        "timings": {"received_at": "2026-11-20T09:00:00.000Z", "seconds_to_active": 0.25},
        **more,
    }


def step(name: str, status: str = "done", attempts: int = 1, error: str | None = None) -> dict[str, Any]:
    start, end = "2026-11-20T09:00:00.000Z", "2026-11-20T09:00:01.500Z"
    mark = {"name": name, "status": status, "attempts": attempts, "started_at": start, "finished_at": end}
    return mark | ({"error": error} if error else {})


DONE = [step(name) for name in ("register_signup", *WORK)]


class Recorder(ThreadingHTTPServer):
    """Answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.refuses: tuple[int, dict[str, Any]] | None = None
        self.statuses: list[dict[str, Any]] = [told("active", *DONE)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self._send(*(self.server.refuses or (202, {"signup_id": ID, "correlation_id": "cor_1"})))

    def do_GET(self) -> None:
        known = self.path == f"/v1/signups/{ID}"
        left = self.server.statuses
        answer = left.pop(0) if len(left) > 1 else left[0]
        self._send(*((200, answer) if known else (404, {"detail": "There is no sign-up of this id"})))

    def _send(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def usher() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def data(tmp_path: Path, usher: Recorder) -> Path:
    lines = {"USHER_URL": usher.url, "USHER_SIGNUP_SECRET": SECRET, "USHER_PRODUCT_TOKEN": "token"}
    (tmp_path / "dev.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a command; raises Refused as the command does."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.output


PERSON = ("--email", "ada@example.com", "--name", "Ada", "--plan", "free")


def test_a_signup_is_posted_signed_and_holds_only_what_was_said(usher: Recorder, data: Path) -> None:
    code, output = run("signup", *PERSON, "--company", "Loom", "--trial", "--data", str(data))
    assert code == 0
    (headers, body), *_ = usher.posts
    Webhook(SECRET).verify(body, headers)
    assert json.loads(body)["data"] == {
        "email": "ada@example.com",
        "name": "Ada",
        "plan": "free",
        "trial": True,
        "company": {"name": "Loom"},
    }
    assert ID in output


@pytest.mark.parametrize("status", ["failed", "rolled_back", "rejected", "expired"])
def test_a_signup_that_came_to_nothing_ends_in_1_with_its_reason(
    usher: Recorder, data: Path, status: str
) -> None:
    failure = {"step": "create_billing_customer", "reason": "card declined (expired_card)"}
    usher.statuses = [told(status, step("create_billing_customer", "failed"), failure=failure)]
    code, output = run("signup", *PERSON, "--data", str(data))
    assert code == 1
    assert "card declined (expired_card)" in output


def test_every_refused_field_is_named(usher: Recorder, data: Path) -> None:
    errors = [
        {"field": "data.email", "message": "is bad"},
        {"field": "data.plan", "message": "is not a plan"},
    ]
    usher.refuses = (400, {"detail": "These fields need attention", "errors": errors})
    with pytest.raises(Refused, match=r"email is bad; plan is not a plan \(400\)") as caught:
        run("signup", *PERSON, "--data", str(data))
    assert caught.value.exit_code == 1


def test_an_unknown_id_is_told(data: Path) -> None:
    with pytest.raises(Refused, match="there is no sign-up su_unknown"):
        run("status", "su_unknown", "--data", str(data))


def test_status_as_json_is_what_the_api_said(usher: Recorder, data: Path) -> None:
    code, output = run("status", ID, "--json", "--data", str(data))
    assert (code, json.loads(output)) == (0, usher.statuses[0])


def test_status_lists_steps_with_their_tries(usher: Recorder, data: Path) -> None:
    usher.statuses = [told("provisioning", step("sync_crm", "retrying", 2, "VendorUnavailable: 429"))]
    _, output = run("status", ID, "--data", str(data))
    assert "↻ retrying: VendorUnavailable: 429" in output
    assert "1.50 s" in output


def test_without_an_usher_it_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no Usher has run in"):
        run("status", ID, "--data", str(tmp_path))


def test_an_usher_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with Recorder() as gone:
        url = gone.url
    (tmp_path / "dev.env").write_text(f"USHER_URL={url}\nUSHER_PRODUCT_TOKEN=t\n")
    with pytest.raises(Refused, match=f"nothing answers at {url}"):
        run("status", ID, "--data", str(tmp_path))


def test_a_refusal_is_one_line_and_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["usher", "status", ID, "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# -- following and showing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        (told("received"), False),
        (told("provisioning", step("register_signup")), False),
        (told("active", *DONE[:-1]), False),  # the mail is still to go
        (told("active", *DONE), True),
        (told("degraded", step("send_welcome_mail", "failed")), True),
        (told("waiting_review"), True),
        (told("failed"), True),
    ],
)
def test_a_signup_is_settled_when_nothing_more_happens_by_itself(
    status: dict[str, Any], settled: bool
) -> None:
    assert Followed("ada", "free", status=status).settled is settled


class Told:
    """A client that tells one status after the other."""

    def __init__(self, *statuses: dict[str, Any]) -> None:
        self._left = list(statuses)

    def signup(self, signup_id: str) -> dict[str, Any]:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def lines_of(*statuses: dict[str, Any]) -> list[str]:
    """What is printed where there is no terminal."""
    console = Console(width=150, record=True, file=None, force_terminal=False, quiet=False)
    row = Followed("ada", "free", signup_id=ID)
    with console.capture() as captured, view.live(console, [row]) as changed:
        assert follow(Told(*statuses), [row], changed, seconds=5)
    return captured.get().splitlines()


def test_each_ended_try_is_a_line_of_its_own() -> None:
    first = told("provisioning", step("register_signup"), step("sync_crm", "retrying", 1, "RateLimited"))
    second = told("provisioning", step("register_signup"), step("sync_crm", "retrying", 2, "RateLimited"))
    lines = lines_of(first, second, told("active", *DONE))
    assert lines[:3] == [
        "ada: register_signup done",
        "ada: sync_crm retrying: RateLimited",
        "ada: sync_crm retrying (try 2): RateLimited",
    ]
    assert lines[-1].startswith("ada: active (")


def test_the_live_table_shows_steps_tries_and_reasons() -> None:
    console = Console(width=120, force_terminal=True, color_system=None, legacy_windows=False)
    failed = told(
        "failed", step("register_signup"), step(WORK[0], "failed"), failure={"reason": "card declined"}
    )
    retrying = told(
        "provisioning", step("register_signup"), step("sync_crm", "retrying", 3, "VendorUnavailable")
    )
    rows = [
        Followed("ada", "free", signup_id=ID, status=failed),
        Followed("kenji [b]", "free", signup_id=ID, status=retrying),
    ]
    with console.capture() as captured, view.live(console, rows):
        pass
    screen = captured.get()
    assert "● ✗·∥··· · · ·" in screen
    assert "failed: card declined" in screen
    assert "CRM, try 3: VendorUnavailable" in screen
    assert "kenji [b]" in screen  # a name is never read as markup


# -- the samples -------------------------------------------------------------------------------------------


def test_every_sample_is_a_signup_that_intake_would_take() -> None:
    plans = PlanCatalog.model_validate(policy_files.load("plans"))
    for sample in samples.load():
        assert parse_signup(json.loads(sample.body), plans).data.email == sample.data["email"]


def test_every_file_of_events_is_expected_to_come_to_something() -> None:
    listed = {sample.file for sample in samples.load()}
    assert listed == {path.name for path in samples.FOLDER.glob("*.json")}
