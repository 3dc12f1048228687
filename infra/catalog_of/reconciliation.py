"""Reconciliation: its tables, functions, rule, schedule and routes, and all that each may touch."""

from infra.catalog_entries import Function, Index, Route, Rule, Schedule, Table
from infra.catalog_of.rights import RECORDS
from usher.domain.access import at_least

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

_VIEWER, _BILLING = at_least("viewer"), at_least("billing")


def _route(method: str, path: str, roles: tuple[str, ...], why: str) -> Route:
    return Route(method, path, "operations/api", "token", roles=roles, why=why)


ROUTES = (
    _route("GET", "/v1/reconciliations", _VIEWER, "Comparisons with the payment vendor, the latest first."),
    _route("POST", "/v1/reconciliations", _BILLING, "Compare with the payment vendor now, or join in."),
    _route("GET", "/v1/reconciliations/{id}", _VIEWER, "How far a comparison has come, and what it found."),
    _route("GET", "/v1/reconciliations/{id}/report.csv", _VIEWER, "What it found, as a table."),
    _route("GET", "/v1/reconciliations/{id}/report.json", _VIEWER, "What it found, with both sides."),
    _route(
        "POST", "/v1/reconciliations/{id}/heal", _BILLING, "Heal what it left open, as far as that is safe."
    ),
    _route("GET", "/v1/mismatches", _VIEWER, "What differs from the payment vendor, by run or by state."),
    _route("POST", "/v1/mismatches/{id}/dismiss", _BILLING, "A mismatch may stay as it is, for a reason."),
)
