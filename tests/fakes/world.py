"""A whole Usher in memory: the store on SQLite, every other port a fake, time standing still."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra import catalog, policy_files
from infra.local.database import Database, opened
from infra.local.manual_clock import ManualClock
from infra.local.sqlite_store import SqliteStore
from tests.fakes.billing import RecordingBilling
from tests.fakes.platform import (
    FaultyStore,
    FixedSecrets,
    MemoryBlobs,
    RecordingBus,
    RecordingQueue,
    RecordingWorkflows,
)
from tests.fakes.vendors import RecordingChat, RecordingCrm, RecordingMailer, RecordingProvisioner
from usher.adapters.dynamodb_json import decode
from usher.adapters.store_then_queue import StoreThenQueue
from usher.bootstrap import platform as bootstrap_platform
from usher.bootstrap import policies
from usher.domain import ids
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.store import Item, Put
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.failures import Failures
from usher.records.inbox import Inbox
from usher.records.invitations import Invitations
from usher.records.mails import Mails
from usher.records.signups import Signup, Signups
from usher.records.trial_claims import TrialClaims
from usher.records.unbilled import UnbilledPlans
from usher.settings import Settings
from usher.settings import install as install_settings
from usher.usecases.trial_guard import TrialGuard

# In the past, because powertools expires its records by the real clock and must not find them expired.
NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)
SIGNUP_SECRET = "whsec_c2lnbnVwLXNlY3JldC1vZi10aGUtdGVzdHM="
STRIPE_SECRET = "whsec_stripe_secret_of_the_tests"
PUBLIC_URL = "https://usher.example.com"


@dataclass
class World:
    """Implements usher.ports.platform.Platform, and holds the vendors and records beside it."""

    database: Database
    store: FaultyStore
    clock: ManualClock
    policy: OnboardingPolicy
    plans: PlanCatalog
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    bus: RecordingBus = field(default_factory=RecordingBus)
    workflows: RecordingWorkflows = field(default_factory=RecordingWorkflows)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    secrets: FixedSecrets = field(
        default_factory=lambda: FixedSecrets(
            signup_webhook=SIGNUP_SECRET, stripe_webhook=STRIPE_SECRET, link_signing="signing-links"
        )
    )
    billing: RecordingBilling = field(default_factory=RecordingBilling)
    crm: RecordingCrm = field(default_factory=RecordingCrm)
    mailer: RecordingMailer = field(default_factory=RecordingMailer)
    provisioner: RecordingProvisioner = field(default_factory=RecordingProvisioner)
    chat: RecordingChat = field(default_factory=RecordingChat)

    def __post_init__(self) -> None:
        self.keeper = StoreThenQueue(self.store, self.queue)
        self.signups = Signups(self.store)
        self.accounts = Accounts(self.store)
        self.inbox = Inbox(self.store)
        self.mails = Mails(self.store)
        self.failures = Failures(self.store)
        self.log = EventLog(self.store)
        self.records = BillingRecords(self.store, self.log)
        self.unbilled = UnbilledPlans(self.store, self.log)
        self.guard = TrialGuard(TrialClaims(self.store), self.policy.trial)
        self.invitations = Invitations(self.store)

    def rows(self, table: str) -> list[Item]:
        """Every item of a table."""
        found = self.database.reader().execute(f"SELECT item FROM item_{table}").fetchall()
        return [_json(row[0]) for row in found]

    def stored(self) -> dict[str, int]:
        """How many items each table holds; tables without any are left out."""
        reader = self.database.reader()
        counts = {
            table.name: int(reader.execute(f"SELECT COUNT(*) FROM item_{table.name}").fetchone()[0])
            for table in catalog.TABLES
        }
        return {name: count for name, count in counts.items() if count}

    def events(self, account_id: str) -> list[str]:
        """The types of an account's events, in order."""
        return [event.type for event in self.log.read(account_id)]

    def stream(self, table: str = "events") -> list[dict[str, Any]]:
        """The table's stream from its beginning, as its consumer gets it."""
        assert isinstance(self.store.inner, SqliteStore)
        return self.store.inner.stream(table).read()

    def streamed_items(self) -> list[Item]:
        """The events in the stream as items."""
        return [decode(record["dynamodb"]["NewImage"]) for record in self.stream()]

    def given_signup(self, who: str = "ada", /, **values: Any) -> Signup:
        """A master record as intake leaves it, `values` over the usual ones (None leaves a value out)."""
        item = {
            "signup_id": ids.derived("su", who),
            "correlation_id": ids.derived("cor", who),
            "status": "received",
            "stage": "received",
            "received_at": "2025-11-21T12:00:00.000Z",
            "email": f"{who}@example.com",
            "name": "Ada Lovelace",
            "company": {"name": "Analytical Engines"},
            "plan": "starter-monthly",
            "payment_method": "pm_card_visa",
            "payment": "card",
            **values,
        }
        present = {key: value for key, value in item.items() if value is not None}
        self.store.inner.write(Put("signups", present))
        return self.signups.get(item["signup_id"])


def _json(text: str) -> Item:
    item: Item = json.loads(text)
    return item


@cache
def _policies() -> dict[str, dict[str, Any]]:
    return policy_files.load_all()


@cache
def _empty_database() -> bytes:
    """A file with all tables in it: copying it takes a fifth of the time of making it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usher.sqlite"
        with opened(path, synchronous="OFF") as database:
            SqliteStore(database, catalog.TABLES, ManualClock(NOON))
        return path.read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty Usher that the handlers of this process run on."""
    content = _policies()
    policies.install(content)
    install_settings(Settings(public_url=PUBLIC_URL))
    (tmp_path / "usher.sqlite").write_bytes(_empty_database())
    with opened(tmp_path / "usher.sqlite", synchronous="OFF") as database:
        clock = ManualClock(NOON)
        world = World(
            database=database,
            store=FaultyStore(SqliteStore(database, catalog.TABLES, clock)),
            clock=clock,
            policy=OnboardingPolicy.model_validate(content["onboarding"]),
            plans=PlanCatalog.model_validate(content["plans"]),
        )
        bootstrap_platform.install(world)
        yield world
        bootstrap_platform.install(None)
