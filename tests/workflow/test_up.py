"""`usher up` as a person starts it: a process of its own, its stand-ins, its refusals (E6)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from infra.local.cli.client import Client
from infra.local.cli.following import Followed, follow
from infra.local.data_dir import VENDORS, VERSION

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
PARTS = ("infra", "functions", "layers/usher", "policies", "statemachines", "templates", "events")
DEV_ENV = {
    "USHER_URL",
    "USHER_SIGNUP_SECRET",
    "USHER_STRIPE_WEBHOOK_SECRET",
    "USHER_POSTMARK_WEBHOOK_USER",
    "USHER_POSTMARK_WEBHOOK_PASSWORD",
    "USHER_PRODUCT_TOKEN",
    *(f"USHER_OPERATOR_TOKEN_{role}" for role in ("VIEWER", "SUPPORT", "BILLING", "ADMIN")),
    *(f"{vendor.upper()}_API_{what}" for vendor in VENDORS for what in ("BASE", "KEY")),
}


def command(*arguments: str, root: Path = ROOT) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(root), str(root / "layers/usher/python")])
    return subprocess.Popen(
        [sys.executable, "-m", "infra.local.cli", *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Up:
    """A running `usher up`."""

    def __init__(self, data: Path, *options: str, root: Path = ROOT) -> None:
        self.data = data
        self.process = command("up", "--port", "0", "--data", str(data), *options, root=root)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()

    @property
    def client(self) -> Client:
        return Client.of(self.data)

    def end(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, wait for it and its stand-ins; returns its exit code."""
        stand_ins = psutil.Process(self.process.pid).children()
        assert len(stand_ins) == len(VENDORS)
        self.process.send_signal(with_signal)
        with self.process:
            self.process.communicate(timeout=PATIENCE)
        _, alive = psutil.wait_procs(stand_ins, timeout=PATIENCE)
        assert alive == []
        return self.process.returncode


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "usher"


def refusal(*arguments: str, root: Path = ROOT) -> str:
    """The one line of a refused start."""
    with command("up", *arguments, root=root) as process:
        output, line = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (2, "")
    assert line.count("\n") == 1
    return line.strip()


def body(email: str) -> bytes:
    data = {"email": email, "name": "Test Person", "plan": "pro-monthly", "payment_method": "pm_card_visa"}
    return json.dumps(
        {"type": "signup.completed", "timestamp": "2026-11-20T09:00:00Z", "data": data}
    ).encode()


def settle(client: Client, signup_id: str) -> str:
    row = Followed(who="", plan="", signup_id=signup_id)
    assert follow(client, [row], lambda _: None, seconds=PATIENCE)
    assert row.status is not None
    return str(row.status["status"])


def stripe(client: Client, path: str) -> list[dict[str, object]]:
    headers = {"authorization": f"Bearer {client.env['STRIPE_API_KEY']}"}
    found: list[dict[str, object]] = client.vendor("stripe", path, headers)["data"]
    return found


def once(data: Path, root: Path = ROOT) -> tuple[int, str]:
    """Exit code and output of a run that ends with its samples."""
    with command("up", "--port", "0", "--data", str(data), "--once", root=root) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert errors == ""
    return process.returncode, output


def test_once_says_whether_every_sample_came_to_what_was_expected(data: Path, tmp_path: Path) -> None:
    code, output = once(data)
    assert "ready" in output.splitlines()[0]
    assert "✓ all 10 came to what events/expected.yaml says" in output
    assert code == 0

    copy = checkout(tmp_path)  # the same people again, and one expectation that cannot come true
    expected = copy / "events/expected.yaml"
    expected.write_text(expected.read_text().replace("status: rolled_back", "status: active", 1))
    code, output = once(data, copy)
    faults = [line for line in output.splitlines() if line.startswith("✗")]
    assert len(faults) == 1
    assert faults[0].startswith("✗ Declined card (signup-card-declined.json): rolled_back, expected active.")
    assert code == 1


def test_it_serves_signups_survives_both_ends_and_keeps_its_folder(data: Path) -> None:
    up = Up(data)
    try:
        client, env = up.client, (data / "dev.env").read_text()
        assert client.url in up.ready
        assert set(client.env) == DEV_ENV
        assert (data / "dev.env").stat().st_mode & 0o777 == 0o600
        assert data.stat().st_mode & 0o777 == 0o700

        with ThreadPoolExecutor(20) as pool:  # one person, twenty deliveries at once
            same = body("twenty@example.com")
            answers = list(pool.map(lambda _: client.post_signup(same), range(20)))
        (signup_id,) = {answer["signup_id"] for answer in answers}
        assert settle(client, signup_id) == "active"
        (customer,) = stripe(client, "/v1/customers?email=twenty@example.com")
        assert len(stripe(client, f"/v1/subscriptions?customer={customer['id']}")) == 1

        line = refusal("--data", str(data))
        assert line == (
            f"usher: {data} is in use by the Usher of process {up.process.pid}; "
            "stop it, or choose another place with --data"
        )
        cut_short = client.post_signup(body("cut.short@example.com"))["signup_id"]
    finally:
        assert up.end(signal.SIGKILL) == -signal.SIGKILL

    up = Up(data)
    try:
        assert (data / "dev.env").read_text() == env
        assert settle(up.client, cut_short) == "active"
        assert len(stripe(up.client, "/v1/customers?email=cut.short@example.com")) == 1
        assert up.client.signup(signup_id)["status"] == "active"
    finally:
        assert up.end() == 0


def test_a_port_in_use_is_refused(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal("--data", str(data), "--port", str(port)) == (
            f"usher: port {port} is in use; choose another with --port"
        )


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "usher"
    line = refusal("--data", str(place), "--port", "0")
    assert line == f"usher: cannot write in {place}: Not a directory; choose another place with --data"


def test_a_folder_of_a_newer_version_is_refused(data: Path) -> None:
    data.mkdir()
    (data / "version").write_text(f"{VERSION + 1}\n")
    assert "was written by a newer Usher" in refusal("--data", str(data), "--port", "0")


def checkout(tmp_path: Path) -> Path:
    """A copy of what `usher up` reads, to spoil."""
    copy = tmp_path / "checkout"
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part)
    return copy


def test_bad_policy_and_workflow_files_are_refused_with_file_and_line(tmp_path: Path, data: Path) -> None:
    copy = checkout(tmp_path)
    plans, onboarding = copy / "policies/plans.yaml", copy / "statemachines/onboarding.asl.yaml"
    good = plans.read_text()
    number = good.splitlines().index("    amount_minor: 1900") + 1
    plans.write_text(good.replace("    amount_minor: 1900", "    amount_minor: nineteen", 1))
    line = refusal("--data", str(data), "--port", "0", root=copy)
    assert line.startswith(f"usher: policies/plans.yaml:{number}: plans.starter-monthly.amount_minor: ")

    plans.write_text(good)
    text = onboarding.read_text()
    onboarding.write_text(text.replace("Next: MayProceed", "Next: MayProcede"))
    number = text.splitlines().index("  RegisterSignup:") + 1
    line = refusal("--data", str(data), "--port", "0", root=copy)
    place = f"usher: statemachines/onboarding.asl.yaml:{number}: "
    assert line.startswith(f"{place}state RegisterSignup goes to 'MayProcede'")
    assert not data.exists()
