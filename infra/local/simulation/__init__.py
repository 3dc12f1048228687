"""Usher and its vendors in one process, in time that jumps: a day, or a year, of customers' lives in minutes.

Real: every handler, workflow and SDK. Time stands still while anybody works and jumps to the next moment that
somebody waits for, so a run says what happens and nothing about how fast the machine is. Calls reach the
stand-ins without sockets.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra import policy_files
from infra.local.build import LocalUsher
from infra.local.clock import LocalClock
from infra.local.cores import on_one_core
from infra.local.prepare import prepare
from infra.local.secrets import FileSecrets
from infra.local.simulation.vendors import KEYS, Vendors
from usher.bootstrap import policies as usher_policies
from usher.settings import Settings

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
STILL = 1e-6  # business seconds per wall second: next to nothing
SECRET = "whsec_c2lnbi11cHMtb2YtdGhlLXNpbXVsYXRpb24="


class SimulatedClock(LocalClock):
    """The clock on the wall shows simulated time too, so what goes by it (a post a second) jumps too."""

    def wall(self) -> datetime:
        return self.now()


class Simulation:
    """One Usher with its vendors; time stands at its start until `go`.

    Attributes:
        usher: the running deployment.
        vendors: what it calls.
        clock: the time of all of them.
    """

    def __init__(self, usher: LocalUsher, vendors: Vendors, clock: LocalClock) -> None:
        self.usher, self.vendors, self.clock = usher, vendors, clock
        self._hands = ThreadPoolExecutor(8, thread_name_prefix="hands")
        self._closing = False

    def go(self) -> None:
        """Let time pass: what begins at START has been arranged."""
        self.clock.end()

    def at(self, moment: datetime, do: Callable[[], None]) -> None:
        """Have `do` done at this moment, beside whatever else is."""

        def ring() -> None:
            if not self._closing:
                self.clock.begin()
                self._hands.submit(work)

        def work() -> None:
            try:
                do()
            finally:
                self.clock.end()

        self.clock.call_at(moment, ring)

    def pass_to(self, moment: datetime) -> None:
        """In place of `go`: let time pass up to a moment; then it jumps no more.

        Whoever acts after that acts at that moment, until it is told to pass again.
        """
        reached = threading.Event()

        def stop() -> None:
            self.clock.begin()
            reached.set()

        self.clock.call_at(moment, stop)
        self.clock.end()
        reached.wait()

    def wait(self, seconds: float) -> None:
        """Let that much time pass for whoever acts between two `pass_to`."""
        self.clock.sleep(seconds)

    def close(self) -> None:
        self._closing = True
        self._hands.shutdown()


@contextlib.contextmanager
def opened(
    folder: Path,
    *,
    stripe: Mapping[str, Any] | None = None,
    scale: float = STILL,
    onboarding: Mapping[str, Any] | None = None,
    tokens: Mapping[str, str] | None = None,
    webhooks: Mapping[str, Any] | None = None,
    schedules: bool | Collection[str] = True,
    started_at: datetime = START,
    workers: int = 8,
) -> Iterator[Simulation]:
    """A simulation in an empty folder, under a deployment's limits (policies/limits.yaml), before `go`.

    Args:
        stripe: options of its stand-in (docs/stand-ins.md).
        scale: business seconds per second of work; as good as none unless given.
        onboarding: settings of policies/onboarding.yaml in place of its own.
        tokens: who may call the API: roles by token.
        webhooks: settings of Stripe's stand-in that make it owe webhooks; it owes none when left out.
        schedules: whether they fire, or the names of those that do.
        started_at: the moment at which time stands.
        workers: threads of the workflow engine; at a standing clock, at least as many as sleep at a time.
    """
    policies = policy_files.load_all()
    policies = {**policies, "onboarding": {**policies["onboarding"], **(onboarding or {})}}
    rates = policies["limits"]["deployed"]
    policies = {**policies, "limits": {"local": rates, "deployed": rates}}
    usher_policies.install(policies)
    with contextlib.ExitStack() as stack:
        stack.enter_context(on_one_core())
        clock = SimulatedClock(scale=scale, skipping=True, started_at=started_at)
        stack.callback(clock.close)
        clock.begin()  # until `go`
        vendors = Vendors(folder, clock, webhooks or {})
        stack.callback(vendors.close)
        stack.enter_context(vendors.reachable())
        env = {f"{name.upper()}_API_BASE": url for name, url in vendors.urls.items()}
        env |= {f"{name.upper()}_API_KEY": key for name, key in KEYS.items()}
        prepare(policies, env, done=folder / "prepared")
        vendors.keep_limits(stripe or {})
        bases: dict[str, Any] = {f"{name}_api_base": url for name, url in vendors.urls.items()}
        usher = LocalUsher(
            folder,
            Settings(**bases),
            clock=clock,
            secrets=_secrets(folder / "secrets.json", tokens or {}, webhooks or {}),
            workers=workers,
            synchronous="OFF",
            schedules=schedules,
        )
        usher.start()
        stack.callback(usher_policies.install, {})
        stack.callback(usher.stop)
        simulation = Simulation(usher, vendors, clock)
        stack.callback(simulation.close)
        yield simulation


def _secrets(path: Path, tokens: Mapping[str, str], webhooks: Mapping[str, Any]) -> FileSecrets:
    secrets = FileSecrets(path)
    names = {"slack": "slack_webhook"}
    secrets.provide({names.get(vendor, f"{vendor}_api_key"): key for vendor, key in KEYS.items()})
    hashed = {hashlib.sha256(token.encode()).hexdigest(): role for token, role in tokens.items()}
    secrets.provide(
        {
            "signup_webhook": SECRET,
            "stripe_webhook": webhooks.get("webhook_secret", "whsec_simulation"),
            "access_tokens": json.dumps(hashed),
            "link_signing": "links-of-the-simulation",
        }
    )
    return secrets
