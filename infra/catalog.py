"""The one list of what exists: tables, queues, functions, workflows, routes, rules, schedules, secrets.

Two builders read it: infra/aws (CDK) and infra/local (SQLite). Nothing is deployed that is not listed
here; permissions, environment and alarms are derived from these lines, never written a second time.
"""

from infra.catalog_entries import (
    Access,
    Address,
    Bucket,
    Function,
    Index,
    Queue,
    Route,
    Rule,
    Schedule,
    Stream,
    Table,
    Workflow,
)

__all__ = [
    "AUTHORIZER",
    "Access",
    "Address",
    "BUCKET",
    "Bucket",
    "FUNCTIONS",
    "Function",
    "Index",
    "QUEUES",
    "Queue",
    "ROUTES",
    "RULES",
    "Route",
    "Rule",
    "SCHEDULES",
    "SECRETS",
    "STREAMS",
    "Schedule",
    "Stream",
    "TABLES",
    "Table",
    "WORKFLOWS",
    "Workflow",
    "function",
    "step",
]

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
    Table("buckets", "How fast each vendor may be called: slots taken, and what it refused.", "bucket"),
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
        max_receives=10,  # a failed group comes again after 2, 4, 8, ... seconds: ten tries are eight minutes
        batch_size=5,
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
        tables=(("inbox", "all"), ("buckets", "all")),
        sends_to=("signups",),
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
        timeout_seconds=40,
        tables=(("buckets", "all"), ("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "create_subscription",
        timeout_seconds=50,
        tables=(("buckets", "all"), ("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "sync_stripe",
        timeout_seconds=30,
        tables=(("buckets", "all"), ("inbox", "all"), ("signups", "read"), ("idempotency", "all"), *_RECORDS),
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
        timeout_seconds=65,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "provisioning",
        "issue_api_key",
        timeout_seconds=25,
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
        timeout_seconds=75,
        tables=(("buckets", "all"), ("signups", "all"), ("subscriptions", "read")),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
        reserved_concurrency=30,
    ),
    Function(
        "mail",
        "send_welcome_mail",
        timeout_seconds=30,
        tables=(
            ("buckets", "all"),
            ("signups", "all"),
            ("mails", "all"),
            ("events", "append"),
            ("outbox", "append"),
        ),
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
