"""Functions of the room `onboarding`, which keeps the onboarding's own records, and all each may touch."""

from infra.catalog_entries import Function
from infra.catalog_of.rights import LINK, WAITS

FUNCTIONS = (
    Function(
        "onboarding",
        "register_signup",
        timeout_seconds=15,
        tables=(
            ("signups", "change"),
            ("accounts", "change"),
            ("users", "change"),
            ("invitations", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        options=("beta_phase",),
    ),
    Function(
        "onboarding",
        "ask_confirmation",
        timeout_seconds=15,
        tables=WAITS,
        sends_to=("notices",),
        answers=("onboarding",),
    ),
    Function("onboarding", "ask_review", timeout_seconds=15, tables=WAITS, answers=("onboarding",)),
    Function(
        "onboarding",
        "take_confirmation",
        timeout_seconds=10,
        tables=WAITS,
        answers=("onboarding",),
        secrets=("link_signing",),
    ),
    Function("onboarding", "close_wait", timeout_seconds=15, tables=(("audit", "append"), *WAITS)),
    Function("onboarding", "begin_rollback", timeout_seconds=15, tables=(("signups", "change"),)),
    Function(
        "onboarding",
        "end_beta_plans",
        timeout_seconds=60,
        tables=(
            ("accounts", "read"),
            ("subscriptions", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        reserved_concurrency=1,
    ),
    Function(
        "onboarding",
        "take_user_invitation",
        timeout_seconds=10,
        tables=(("accounts", "read"), ("users", "change"), ("events", "append"), ("outbox", "append")),
        secrets=("link_signing",),
    ),
    Function(
        "onboarding",
        "send_payment_link",
        timeout_seconds=15,
        tables=LINK,
        sends_to=("notices",),
    ),
    Function("onboarding", "activate_link", timeout_seconds=15, tables=(("accounts", "change"), *LINK)),
    Function("onboarding", "open_check_task", timeout_seconds=15, tables=LINK),
    Function(
        "onboarding",
        "close_link",
        timeout_seconds=15,
        tables=(("failures", "change"), ("accounts", "change"), *LINK),
    ),
    Function(
        "onboarding",
        "activate_account",
        timeout_seconds=15,
        tables=(("signups", "change"), ("accounts", "change"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "onboarding",
        "mark_degraded",
        timeout_seconds=15,
        tables=(("failures", "change"), ("signups", "change"), ("events", "append"), ("outbox", "append")),
    ),
    Function(
        "onboarding",
        "close_signup",
        timeout_seconds=15,
        tables=(
            ("failures", "change"),
            ("signups", "change"),
            ("accounts", "change"),
            ("invitations", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
    ),
)
