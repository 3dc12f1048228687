"""The one list of what exists: tables, queues, functions, workflows, routes, rules, schedules, secrets.

Two builders read it: infra/aws (CDK) and infra/local (SQLite). Nothing is deployed that is not listed
here; permissions, environment and alarms are derived from these lines, never written a second time.
"""

from infra.announcing import announced
from infra.catalog_entries import (
    Access,
    Address,
    Bucket,
    Function,
    Index,
    Option,
    Queue,
    Route,
    Rule,
    Schedule,
    Stream,
    Table,
    Workflow,
)
from usher.domain.access import PRODUCT, ROLES, at_least

__all__ = [
    "AUTHORIZER",
    "Access",
    "Address",
    "BUCKET",
    "Bucket",
    "FUNCTIONS",
    "Function",
    "Index",
    "Option",
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
    Table(
        "signups",
        "Master record: one sign-up, its steps and every id it got.",
        "signup_id",
        indexes=(  # keys alone: only its stage moves on the way, and only that index is written again
            Index("by_time", "listing", "received_at", projects=()),
            Index("by_stage", "stage", "received_at", projects=()),
            Index("by_phone", "phone", "received_at", projects=()),
            Index("by_email", "email_folded", "received_at", projects=()),
            Index("by_name", "name_initial", "name_folded", projects=()),
        ),
    ),
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
    Table("waits", "Whom a sign-up waits for, and the answer, whichever came first.", "wait_id"),
    Table(
        "failures",
        "What failed for good, whose it is and why, until it is mended.",
        "failure_id",
        indexes=(Index("by_state", "state", "since"), Index("by_due", "waits", "next_try_at")),
        expires="expires_at",
    ),
    Table("buckets", "How fast each vendor may be called: slots taken, and what it refused.", "bucket"),
    Table(
        "audit",
        "Who did what to whom, when and why: one row per act of an operator.",
        "day",
        sort="entry",
        append_only=True,
    ),
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
    "link_signing",
)

QUEUES = (
    Queue(
        "signups",
        "Accepted sign-ups on their way to a workflow.",
        "intake/dispatch_signup",
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "stripe-events",
        "Stored Stripe events, in order per customer.",
        "billing/sync_stripe",
        fifo=True,
        visibility_seconds=180,
        max_receives=10,  # a failed group comes again after 2, 4, 8, ... seconds: ten tries are eight minutes
        batch_size=5,
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "chat",
        "What operators are told, on its way to their channel: a dead channel holds up nothing else.",
        "operations/post_to_slack",
        max_receives=8,
        batch_size=20,
        batch_window_seconds=1,
        max_concurrency=2,
    ),
    Queue(
        "crm",
        "Customers on their way into the CRM, a hundred in one round of calls.",
        "crm/sync_crm",
        max_receives=2,  # every item is answered by itself: what comes again has killed its function
        batch_size=100,
        batch_window_seconds=5,
        max_concurrency=2,
        dead_letter_consumer="operations/fail_waiting_token",
    ),
    Queue(
        "mail",
        "Welcome mails, up to five hundred in one call.",
        "mail/send_welcome_mail",
        max_receives=2,
        batch_size=500,
        batch_window_seconds=5,
        max_concurrency=2,
        dead_letter_consumer="operations/fail_waiting_token",
    ),
    Queue("notices", "Mails to one person: a link to confirm, to pay, to look at.", "mail/send_notice"),
)

TOLD = (
    "onboarding.degraded",
    "onboarding.failed",
    "onboarding.rolled_back",
    "onboarding.rejected",
    "onboarding.expired",
    "onboarding.waiting",
    "onboarding.stage_changed",
    "onboarding.repaired",
    *announced(),
)

STREAMS = (Stream("events", "reporting/publish_events"),)

RULES = (
    Rule(
        "first-payment-moved",
        "Whoever waits for a first payment hears of it; told of what sync finds, not of what our steps do.",
        "usher",
        "usher",
        ("subscription.activated", "payment.succeeded", "payment.failed"),
        "billing/settle_payment",
        detail=(("context.by", ("sync",)),),
    ),
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
        "redrive-ended",
        "What was redriven and has come to a good end leaves the list of failures at once.",
        "default",
        "aws.states",
        ("Step Functions Execution Status Change",),
        "operations/settle_redrive",
        detail=(("status", ("SUCCEEDED",)),),
        redriven=True,
    ),
    Rule(
        "tell-operators",
        "What operators want to know of reaches their channel; no call is paid for what they do not.",
        "usher",
        "usher",
        TOLD,
        "operations/tell_operators",
    ),
)

SCHEDULES = (
    Schedule("mend-failures", "Settles redrives, and tries again what waits.", 1, "operations/mend_failures"),
    Schedule("tell-digest", "Counts new customers for the channel.", 15, "operations/tell_digest"),
    Schedule("sweep-inbox", "Queues again what was claimed and never finished.", 1, "intake/sweep_inbox"),
    Schedule("sweep-outbox", "Publishes what the stream lost.", 1, "reporting/sweep_outbox"),
)

WORKFLOWS = (
    Workflow("onboarding", "A signed-up person becomes an active customer, or a failure with its reason."),
)

# Who may use a route; each role of people includes the former ones.
_VIEWER, _SUPPORT, _BILLING, _ADMIN = (at_least(role) for role in ROLES)

ROUTES = (
    Route(
        "POST",
        "/webhooks/signup",
        "intake/receive_signup",
        "signed",
        rate_per_second=2000,
        burst=4000,
        why="A person has signed up.",
    ),
    Route(
        "POST",
        "/webhooks/stripe",
        "intake/receive_stripe",
        "signed",
        rate_per_second=2000,
        burst=4000,
        why="Something has happened at Stripe.",
    ),
    Route(
        "GET",
        "/v1/signups/{id}",
        "operations/api",
        "token",
        roles=(PRODUCT, *_VIEWER),
        rate_per_second=500,
        burst=1000,
        why="How one sign-up stands, step by step.",
    ),
    Route(
        "GET",
        "/v1/failures",
        "operations/api",
        "token",
        roles=_SUPPORT,
        why="What failed for good and is not mended yet, with its reason.",
    ),
    Route(
        "POST",
        "/v1/failures/{id}/redrive",
        "operations/api",
        "token",
        roles=_SUPPORT,
        why="Have what failed tried again, from where it broke.",
    ),
    Route(
        "POST",
        "/v1/onboardings/{id}/redrive",
        "operations/api",
        "token",
        roles=_SUPPORT,
        why="Have a sign-up tried again that broke, was rolled back, or lacks something.",
    ),
    Route(
        "GET",
        "/v1/onboardings",
        "operations/api",
        "token",
        roles=_SUPPORT,
        why="Who is on the way in, found by phone, e-mail, name or stage.",
    ),
    Route("GET", "/v1/audit", "operations/api", "token", roles=_ADMIN, why="Who did what on a day."),
    Route(
        "GET",
        "/openapi.json",
        "operations/api",
        "public",
        rate_per_second=10,
        burst=20,
        why="This description (OpenAPI 3.1).",
    ),
    Route(
        "GET",
        "/v1/confirmations/{token}",
        "onboarding/take_confirmation",
        "signed",
        why="The page of a confirmation link; looking changes nothing.",
    ),
    Route(
        "POST",
        "/v1/confirmations/{token}",
        "onboarding/take_confirmation",
        "signed",
        why="The button on that page.",
    ),
    Route("GET", "/healthz", "operations/health", "public", why="This deployment takes requests."),
)

AUTHORIZER = "operations/authorize"

_WAITS: tuple[tuple[str, Access], ...] = (
    ("waits", "all"),
    ("signups", "all"),
    ("events", "append"),
    ("outbox", "append"),
)

_RECORDS: tuple[tuple[str, Access], ...] = (
    ("accounts", "all"),
    ("subscriptions", "all"),
    ("invoices", "all"),
    ("payments", "all"),
    ("events", "append"),
    ("outbox", "append"),
)

_REDRIVES: tuple[tuple[str, Access], ...] = (
    ("failures", "all"),
    ("signups", "all"),
    ("claims", "all"),
    ("inbox", "all"),
    ("audit", "append"),
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
        tables=(("failures", "all"), ("inbox", "all")),
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
        tables=(
            ("buckets", "all"),
            ("failures", "all"),
            ("inbox", "all"),
            ("signups", "read"),
            ("idempotency", "all"),
            *_RECORDS,
        ),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "onboarding",
        "ask_confirmation",
        timeout_seconds=15,
        tables=_WAITS,
        sends_to=("notices",),
        answers=("onboarding",),
    ),
    Function("onboarding", "ask_review", timeout_seconds=15, tables=_WAITS, answers=("onboarding",)),
    Function(
        "onboarding",
        "take_confirmation",
        timeout_seconds=10,
        tables=_WAITS,
        answers=("onboarding",),
        secrets=("link_signing",),
    ),
    Function("onboarding", "close_wait", timeout_seconds=15, tables=_WAITS),
    Function(
        "billing",
        "ask_payment",
        timeout_seconds=60,
        tables=(("buckets", "all"), ("waits", "all"), ("signups", "all"), *_RECORDS),
        sends_to=("notices",),
        answers=("onboarding",),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "close_payment",
        timeout_seconds=85,
        tables=(("buckets", "all"), ("waits", "all"), ("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "settle_payment",
        timeout_seconds=60,
        tables=(("buckets", "all"), ("waits", "all"), ("signups", "all"), *_RECORDS),
        answers=("onboarding",),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "refund_payment",
        timeout_seconds=100,
        tables=(("buckets", "all"), ("signups", "all")),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "cancel_subscription",
        timeout_seconds=100,
        tables=(("buckets", "all"), ("signups", "all"), *_RECORDS),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "close_customer",
        timeout_seconds=70,
        tables=(("buckets", "all"), ("signups", "all")),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "provisioning",
        "revoke_api_key",
        timeout_seconds=30,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "provisioning",
        "remove_tenant",
        timeout_seconds=45,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "provisioning",
        "remove_identity",
        timeout_seconds=20,
        tables=(("signups", "all"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    ),
    Function(
        "crm",
        "withdraw_from_crm",
        timeout_seconds=75,
        tables=(("buckets", "all"), ("signups", "all")),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
    ),
    Function("onboarding", "begin_rollback", timeout_seconds=15, tables=(("signups", "all"),)),
    Function(
        "mail",
        "send_notice",
        timeout_seconds=30,
        tables=(("buckets", "all"), ("signups", "read"), ("mails", "all"), ("idempotency", "all")),
        secrets=("postmark_api_key", "link_signing"),
        vendors=("postmark",),
        addresses=("public_url",),
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
        timeout_seconds=90,
        tables=(
            ("buckets", "all"),
            ("signups", "all"),
        ),
        answers=("onboarding",),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
    ),
    Function(
        "mail",
        "send_welcome_mail",
        timeout_seconds=90,
        tables=(
            ("buckets", "all"),
            ("signups", "all"),
            ("mails", "all"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        answers=("onboarding",),
        secrets=("postmark_api_key",),
        vendors=("postmark",),
    ),
    Function(
        "operations",
        "fail_waiting_token",
        timeout_seconds=30,
        tables=(("signups", "all"), ("idempotency", "all")),
        answers=("onboarding",),
    ),
    Function(
        "onboarding",
        "mark_degraded",
        timeout_seconds=15,
        tables=(("failures", "all"), ("signups", "all"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "onboarding",
        "close_signup",
        timeout_seconds=15,
        tables=(("signups", "all"), ("accounts", "all"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "operations",
        "file_failed_execution",
        timeout_seconds=15,
        tables=(("failures", "all"), ("signups", "all"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "operations",
        "file_dead_letter",
        timeout_seconds=30,
        tables=(("failures", "all"), ("inbox", "read")),
    ),
    Function(
        "operations",
        "mend_failures",
        timeout_seconds=60,
        tables=_REDRIVES,
        starts=("onboarding",),
        redrives=("onboarding",),
        addresses=("public_url",),
        reserved_concurrency=1,
    ),
    Function(
        "operations",
        "settle_redrive",
        timeout_seconds=15,
        tables=_REDRIVES,
        starts=("onboarding",),
        redrives=("onboarding",),
        addresses=("public_url",),
    ),
    Function(
        "operations",
        "tell_operators",
        timeout_seconds=15,
        tables=(("failures", "read"), ("signups", "read")),
        sends_to=("chat",),
        addresses=("public_url",),
    ),
    Function(
        "operations",
        "tell_digest",
        timeout_seconds=30,
        tables=(("signups", "read"),),
        sends_to=("chat",),
        reserved_concurrency=1,
    ),
    Function(
        "operations",
        "post_to_slack",
        timeout_seconds=20,
        tables=(("buckets", "all"),),
        sends_to=("chat",),
        secrets=("slack_webhook",),
        vendors=("slack",),
    ),
    Function(
        "operations",
        "api",
        timeout_seconds=10,
        tables=(*_REDRIVES, ("audit", "append"), ("idempotency", "all")),
        sends_to=("signups", "stripe-events"),
        starts=("onboarding",),
        redrives=("onboarding",),
        addresses=("public_url",),
    ),
    Function("operations", "health", timeout_seconds=5, memory_mb=256),
    Function(
        "operations",
        "authorize",
        timeout_seconds=5,
        secrets=("access_tokens",),
        vendors=("cognito",),
        options=("cognito_issuer", "cognito_client_ids"),
    ),
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
