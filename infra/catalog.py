"""The one list of what exists: tables, queues, functions, workflows, routes, rules, schedules, secrets.

Two builders read it: infra/aws (CDK) and infra/local (SQLite). Nothing is deployed that is not listed
here; permissions, environment and alarms are derived from these lines, never written a second time. Its
parts stand in infra/catalog_of/: data, messages, routes by subject, and the functions of each room.
"""

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
from infra.catalog_of import (
    billing,
    crm,
    intake,
    mail,
    onboarding,
    operations,
    provisioning,
    reconciliation,
    reporting,
    usage,
)
from infra.catalog_of.data import BUCKET, SECRETS, TABLES
from infra.catalog_of.messages import QUEUES, RULES, SCHEDULES, STREAMS
from infra.catalog_of.routes import AUTHORIZER, ROUTES

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

WORKFLOWS = (
    Workflow("onboarding", "A signed-up person becomes an active customer, or a failure with its reason."),
    Workflow("payment_link", "Somebody known by phone pays at a link and has what they paid for."),
    Workflow("reconciliation", "What we hold is compared with what the payment vendor holds, and mended."),
)

FUNCTIONS = (
    *intake.FUNCTIONS,
    *onboarding.FUNCTIONS,
    *billing.FUNCTIONS,
    *reconciliation.FUNCTIONS,
    *provisioning.FUNCTIONS,
    *crm.FUNCTIONS,
    *mail.FUNCTIONS,
    *operations.FUNCTIONS,
    *reporting.FUNCTIONS,
    *usage.FUNCTIONS,
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
