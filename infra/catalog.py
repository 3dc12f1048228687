"""The one list of what exists: tables, queues, functions, workflows, routes, rules, schedules, secrets.

Two builders read it: infra/aws (CDK) and infra/local (SQLite). Nothing is deployed that is not listed
here; permissions, environment and alarms are derived from these lines, never written a second time.
"""

from dataclasses import dataclass
from typing import Literal

Access = Literal["read", "write", "append", "all"]  # append: put only, for tables that are never updated
Address = Literal["public_url", "product_api_base"]  # settings that whoever deploys a stage must give


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index; sparse when few items carry its attributes."""

    name: str
    partition: str
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its life: `expires` names the attribute (epoch seconds) after which an item may go."""

    name: str
    why: str
    partition: str
    sort: str | None = None
    sort_is_number: bool = False
    indexes: tuple[Index, ...] = ()
    expires: str | None = None
    streamed: bool = False
    append_only: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue with its dead-letter queue and its one consumer (`room/function`)."""

    name: str
    why: str
    consumer: str
    fifo: bool = False
    visibility_seconds: int = 60
    max_receives: int = 5
    batch_size: int = 10
    batch_window_seconds: int = 0
    max_concurrency: int = 10

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The one private bucket behind the Blobs port."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Stream:
    """Changes of a streamed table handed to a function, in order per partition key."""

    table: str
    consumer: str
    batch_size: int = 100
    max_attempts: int = 10

    @property
    def dead_letters(self) -> str:
        return f"{self.table}-stream-dlq"


@dataclass(frozen=True, slots=True)
class Rule:
    """Events of a bus (`usher`: ours; `default`: AWS's own) that match go to a function."""

    name: str
    why: str
    bus: Literal["usher", "default"]
    source: str
    detail_types: tuple[str, ...]
    consumer: str
    detail: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function called every so many minutes."""

    name: str
    why: str
    every_minutes: int
    consumer: str

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route. `access`: signed (the handler checks that), public, or a role of the authorizer."""

    method: str
    path: str
    function: str
    access: Literal["signed", "public", "token"]
    roles: tuple[str, ...] = ()
    rate_per_second: int = 100
    burst: int = 200


@dataclass(frozen=True, slots=True)
class Workflow:
    """`statemachines/<name>.asl.yaml`; its functions are those the file names."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Function:
    """`functions/<room>/<name>.py` and all it may touch."""

    room: str
    name: str
    timeout_seconds: int
    memory_mb: int = 512
    tables: tuple[tuple[str, Access], ...] = ()
    sends_to: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    publishes: bool = False
    secrets: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    reserved_concurrency: int | None = None

    @property
    def path(self) -> str:
        """`room/name`, how the rest of the catalog refers to the function."""
        return f"{self.room}/{self.name}"

    @property
    def step(self) -> str:
        """The name of its state in a workflow file: snake_case becomes CamelCase."""
        return "".join(part.capitalize() for part in self.name.split("_"))


TABLES = (
    Table("signups", "Master record: one sign-up, its steps and every id it got.", "signup_id"),
    Table("claims", "Who holds a unique value (an e-mail, by hash).", "claim"),
    Table(
        "accounts",
        "Customers' accounts.",
        "account_id",
        indexes=(Index("by_customer", "customer_id"),),
    ),
    Table(
        "users",
        "People of an account.",
        "user_id",
        indexes=(Index("by_account", "account_id", "created_at"),),
    ),
    Table(
        "subscriptions",
        "Our copy of the vendor's subscriptions.",
        "subscription_id",
        indexes=(Index("by_account", "account_id", "started_at"),),
    ),
    Table(
        "invoices",
        "Our copy of the vendor's invoices.",
        "invoice_id",
        indexes=(Index("by_account", "account_id", "created_at"),),
    ),
    Table(
        "payments",
        "Our copy of the vendor's payments.",
        "payment_id",
        indexes=(Index("by_account", "account_id", "created_at"),),
    ),
    Table(
        "events",
        "Our own typed events, immutable, in order per account: the source of everything downstream.",
        "account_id",
        sort="sequence",
        sort_is_number=True,
        streamed=True,
        append_only=True,
    ),
    Table(
        "outbox",
        "Events stored but not yet known to be published; the sweeper's list.",
        "outbox_id",
        indexes=(Index("by_shard", "shard", "created_at"),),
    ),
    Table(
        "inbox",
        "Raw webhooks as they came, and whether they were dealt with.",
        "event_id",
        indexes=(Index("by_pending", "pending", "queued_at"),),
        expires="expires_at",
    ),
    Table("mails", "Mails to send and sent, by our own id.", "mail_id"),
    Table("idempotency", "Powertools idempotency records.", "id", expires="expiration"),
)

BUCKET = Bucket("files", "Exports and reports, read by signed links.")

SECRETS = (
    "signup_webhook",
    "stripe_webhook",
    "stripe_api_key",
    "hubspot_api_key",
    "postmark_api_key",
    "product_api_key",
    "slack_webhook",
    "access_tokens",
)

QUEUES = (
    Queue("signups", "Accepted sign-ups on their way to a workflow.", "intake/dispatch_signup"),
    Queue(
        "stripe-events",
        "Stored Stripe events, in order per customer.",
        "billing/sync_stripe",
        fifo=True,
        visibility_seconds=180,
    ),
)

STREAMS = (Stream("events", "reporting/publish_events"),)

RULES = (
    Rule(
        "onboarding-failed",
        "An execution that ended badly by itself is filed where a person sees it.",
        "default",
        "aws.states",
        ("Step Functions Execution Status Change",),
        "operations/file_failed_execution",
        detail=(("status", ("FAILED", "TIMED_OUT", "ABORTED")),),
    ),
    Rule(
        "signup-succeeded",
        "Tells the operators' channel of a new customer.",
        "usher",
        "usher",
        ("onboarding.completed",),
        "operations/announce_success",
    ),
)

SCHEDULES = (
    Schedule("sweep-inbox", "Queues again what was claimed and never finished.", 1, "intake/sweep_inbox"),
    Schedule("sweep-outbox", "Publishes what the stream lost.", 1, "reporting/sweep_outbox"),
)

WORKFLOWS = (
    Workflow("onboarding", "A signed-up person becomes an active customer, or a failure with its reason."),
)

_VIEWERS = ("product", "viewer", "support", "billing", "admin")

ROUTES = (
    Route("POST", "/webhooks/signup", "intake/receive_signup", "signed", rate_per_second=2000, burst=4000),
    Route("POST", "/webhooks/stripe", "intake/receive_stripe", "signed", rate_per_second=2000, burst=4000),
    Route(
        "GET", "/v1/signups/{id}", "operations/api", "token", roles=_VIEWERS, rate_per_second=500, burst=1000
    ),
    Route("GET", "/healthz", "operations/health", "public"),
)

AUTHORIZER = "operations/authorize"

_RECORDS: tuple[tuple[str, Access], ...] = (
    ("accounts", "all"),
    ("subscriptions", "all"),
    ("invoices", "all"),
    ("payments", "all"),
    ("events", "append"),
    ("outbox", "append"),
)

FUNCTIONS = (
    Function(
        "intake",
        "receive_signup",
        timeout_seconds=10,
        tables=(("inbox", "all"), ("signups", "all"), ("claims", "all")),
        sends_to=("signups",),
        secrets=("signup_webhook",),
        addresses=("public_url",),
    ),
    Function(
        "intake",
        "receive_stripe",
        timeout_seconds=10,
        tables=(("inbox", "all"),),
        sends_to=("stripe-events",),
        secrets=("stripe_webhook",),
    ),
    Function(
        "intake",
        "dispatch_signup",
        timeout_seconds=30,
        tables=(("inbox", "all"), ("signups", "read"), ("idempotency", "all")),
        starts=("onboarding",),
    ),
    Function(
        "intake",
        "sweep_inbox",
        timeout_seconds=60,
        tables=(("inbox", "all"),),
        sends_to=("signups", "stripe-events"),
        reserved_concurrency=1,
    ),
    Function(
        "onboarding",
        "register_signup",
        timeout_seconds=15,
        tables=(
            ("signups", "all"),
            ("accounts", "all"),
            ("users", "all"),
            ("events", "append"),
            ("outbox", "append"),
        ),
    ),
    Function(
        "billing",
        "create_billing_customer",
        timeout_seconds=30,
        tables=(("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "create_subscription",
        timeout_seconds=30,
        tables=(("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "sync_stripe",
        timeout_seconds=120,
        tables=(("inbox", "all"), ("signups", "read"), ("idempotency", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "provisioning",
        "create_identity",
        timeout_seconds=20,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "provisioning",
        "provision_tenant",
        timeout_seconds=40,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "provisioning",
        "issue_api_key",
        timeout_seconds=20,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "onboarding",
        "activate_account",
        timeout_seconds=15,
        tables=(("signups", "all"), ("accounts", "all"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "crm",
        "sync_crm",
        timeout_seconds=40,
        tables=(("signups", "all"), ("subscriptions", "read")),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
        reserved_concurrency=30,
    ),
    Function(
        "mail",
        "send_welcome_mail",
        timeout_seconds=30,
        tables=(("signups", "all"), ("mails", "all"), ("events", "append"), ("outbox", "append")),
        secrets=("postmark_api_key",),
        vendors=("postmark",),
        reserved_concurrency=30,
    ),
    Function(
        "onboarding",
        "mark_degraded",
        timeout_seconds=30,
        tables=(("signups", "all"), ("events", "append"), ("outbox", "append")),
        secrets=("slack_webhook",),
        vendors=("slack",),
        addresses=("public_url",),
    ),
    Function(
        "onboarding",
        "record_failure",
        timeout_seconds=30,
        tables=(("signups", "all"), ("accounts", "all"), ("events", "append"), ("outbox", "append")),
        secrets=("slack_webhook",),
        vendors=("slack",),
        addresses=("public_url",),
    ),
    Function(
        "operations",
        "file_failed_execution",
        timeout_seconds=30,
        tables=(("signups", "all"), ("events", "append"), ("outbox", "append")),
        secrets=("slack_webhook",),
        vendors=("slack",),
        addresses=("public_url",),
    ),
    Function(
        "operations",
        "announce_success",
        timeout_seconds=30,
        tables=(("signups", "read"),),
        secrets=("slack_webhook",),
        vendors=("slack",),
        addresses=("public_url",),
        reserved_concurrency=1,
    ),
    Function("operations", "api", timeout_seconds=10, tables=(("signups", "read"),)),
    Function("operations", "health", timeout_seconds=5, memory_mb=256),
    Function("operations", "authorize", timeout_seconds=5, secrets=("access_tokens",)),
    Function(
        "reporting",
        "publish_events",
        timeout_seconds=60,
        tables=(("outbox", "all"),),
        publishes=True,
    ),
    Function(
        "reporting",
        "sweep_outbox",
        timeout_seconds=60,
        tables=(("outbox", "all"), ("events", "read")),
        publishes=True,
        reserved_concurrency=1,
    ),
)


def function(path: str) -> Function:
    """The function of this `room/name`. Raises KeyError when the catalog has none."""
    for entry in FUNCTIONS:
        if entry.path == path:
            return entry
    raise KeyError(f"infra/catalog.py lists no function {path}")


def step(name: str) -> Function:
    """The function behind the workflow state `name` (CamelCase). Raises KeyError when there is none."""
    for entry in FUNCTIONS:
        if entry.step == name:
            return entry
    raise KeyError(f"infra/catalog.py lists no function for the state {name}")
