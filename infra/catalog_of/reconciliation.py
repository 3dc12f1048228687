"""Reconciliation: its tables, functions, rule, schedule and routes, and all that each may touch."""

from infra.catalog_entries import Function, Index, Rule, Schedule, Table
from infra.catalog_of.callers import BILLING, VIEWER, by_token
from infra.catalog_of.rights import RECORDS

TABLES = (
    Table(
        "reconciliations",
        "Runs of the reconciliation: how far each has come, what it suspects, what it found.",
        "run_id",
        sort="part",
        indexes=(Index("by_time", "listed", "started_at"),),
        expires="expires_at",
    ),
    Table(
        "mismatches",
        "Objects that the vendor and we hold differently, until they agree or a person lets them.",
        "mismatch_id",
        indexes=(Index("by_state", "state", "opened_at"),),
    ),
)

FUNCTIONS = (
    Function(
        "billing",
        "start_reconciliation",
        timeout_seconds=30,
        tables=(("reconciliations", "change"), ("audit", "append")),
        starts=("reconciliation",),
        redrives=("reconciliation",),  # it looks whether the run before is alive
        reserved_concurrency=1,
    ),
    Function(
        "billing",
        "plan_reconciliation",
        timeout_seconds=60,
        tables=(("reconciliations", "change"), ("mismatches", "read")),
    ),
    Function(
        "billing",
        "compare_page",
        timeout_seconds=120,
        tables=(
            ("buckets", "change"),
            ("reconciliations", "change"),
            ("subscriptions", "read"),
            ("invoices", "read"),
            ("payments", "read"),
            ("refunds", "read"),
        ),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "look_again",
        timeout_seconds=270,
        tables=(
            ("buckets", "change"),
            ("reconciliations", "all"),
            ("mismatches", "change"),
            ("audit", "append"),
            *RECORDS,
        ),
        secrets=("stripe_api_key",),
        vendors=("stripe",),
    ),
    Function(
        "billing",
        "report_reconciliation",
        timeout_seconds=60,
        tables=(
            ("reconciliations", "change"),
            ("failures", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        files="write",
    ),
    Function(
        "operations", "tell_mismatches", timeout_seconds=15, sends_to=("chat",), addresses=("public_url",)
    ),
)

RULES = (
    Rule(
        "too-many-mismatches",
        "Operators hear of a reconciliation that found more than policy lets pass.",
        "usher",
        "usher",
        ("reconciliation.threshold_exceeded",),
        "operations/tell_mismatches",
    ),
)

SCHEDULES = (
    Schedule(
        "reconcile-nightly",
        "Compares what we hold with what Stripe holds, when few customers are about.",
        24 * 60,
        "billing/start_reconciliation",
        after_minutes=3 * 60 + 20,
    ),
)

ROUTES = (
    by_token("GET", "/v1/reconciliations", VIEWER, "Comparisons with the payment vendor, the latest first."),
    by_token("POST", "/v1/reconciliations", BILLING, "Compare with the payment vendor now, or join in."),
    by_token("GET", "/v1/reconciliations/{id}", VIEWER, "How far a comparison has come, and what it found."),
    by_token("GET", "/v1/reconciliations/{id}/report.csv", VIEWER, "What it found, as a table."),
    by_token("GET", "/v1/reconciliations/{id}/report.json", VIEWER, "What it found, with both sides."),
    by_token(
        "POST", "/v1/reconciliations/{id}/heal", BILLING, "Heal what it left open, as far as that is safe."
    ),
    by_token("GET", "/v1/mismatches", VIEWER, "What differs from the payment vendor, by run or by state."),
    by_token("POST", "/v1/mismatches/{id}/dismiss", BILLING, "A mismatch may stay as it is, for a reason."),
)
