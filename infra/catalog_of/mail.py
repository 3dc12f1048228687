"""Functions of the room `mail`, which talks to Postmark, and all each may touch."""

from infra.catalog_entries import WAITING_MB, Function
from infra.catalog_of.rights import LINK

FUNCTIONS = (
    Function(
        "mail",
        "announce_trial_end",
        timeout_seconds=15,
        tables=(("accounts", "read"),),
        sends_to=("notices",),
    ),
    Function(
        "mail",
        "send_notice",
        timeout_seconds=30,
        tables=(
            ("buckets", "change"),
            ("signups", "read"),
            ("accounts", "read"),
            ("users", "read"),
            ("subscriptions", "read"),
            ("mails", "change"),
            ("idempotency", "all"),
        ),
        secrets=("postmark_api_key", "link_signing"),
        vendors=("postmark",),
        addresses=("public_url",),
    ),
    Function(
        "mail",
        "send_link_welcome",
        timeout_seconds=40,
        tables=(("buckets", "change"), ("mails", "change"), *LINK),
        secrets=("postmark_api_key",),
        vendors=("postmark",),
        addresses=("public_url",),
    ),
    Function(
        "mail",
        "send_welcome_mail",
        timeout_seconds=90,
        memory_mb=WAITING_MB,
        tables=(
            ("buckets", "change"),
            ("signups", "change"),
            ("mails", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        answers=("onboarding",),
        secrets=("postmark_api_key",),
        vendors=("postmark",),
    ),
)
