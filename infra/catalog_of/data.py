"""Tables, the bucket and the secrets of the catalog."""

from infra.catalog_entries import Bucket, Index, Table
from infra.catalog_of import reconciliation
from usher.domain.reconciliation import COMPARED, ObjectKind


def _created(kind: ObjectKind) -> Index:
    """In the order of their making, with what reconciliation compares and no more."""
    return Index("by_created", "created_month", "created_at", projects=(*COMPARED[kind].fields, "method"))


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
    Table(
        "entitlements",
        "What decides what accounts may do, read by its key; forgotten when an event tells of a change.",
        "account_id",
        expires="expires_at",
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
        indexes=(
            Index("by_account", "account_id", "started_at"),
            _created("subscription"),
            Index("by_unbilled", "unbilled", "ends_at"),
            Index("by_unfinished", "change_unfinished", "change_until", projects=()),
        ),
    ),
    Table(
        "invoices",
        "Our copy of the vendor's invoices.",
        "invoice_id",
        indexes=(Index("by_account", "account_id", "created_at"), _created("invoice")),
    ),
    Table(
        "payments",
        "Our copy of the vendor's payments.",
        "payment_id",
        indexes=(Index("by_account", "account_id", "created_at"), _created("payment")),
    ),
    Table(
        "refund_requests",
        "Refunds that operators ask for: how many of each payment, and the one under way.",
        "payment_id",
    ),
    Table(
        "offline_payments",
        "Payments that came by bank transfer: entered, approved or rejected, recorded.",
        "offline_payment_id",
        indexes=(
            Index("by_account", "account_id", "entered_at"),
            Index("by_state", "state", "entered_at"),
        ),
    ),
    Table(
        "refunds",
        "Our copy of the vendor's refunds.",
        "refund_id",
        indexes=(Index("by_account", "account_id", "created_at"), _created("refund")),
    ),
    Table(
        "disputes",
        "Our copy of the vendor's disputes: payments that their payers' banks take back.",
        "dispute_id",
        indexes=(Index("by_account", "account_id", "created_at"),),
    ),
    Table(
        "credit_notes",
        "Our copy of the vendor's credit notes: what final invoices were lowered by.",
        "credit_note_id",
        indexes=(Index("by_account", "account_id", "created_at"),),
    ),
    Table("mrr", "What each account brings in a month, by currency.", "account_id"),
    Table(
        "events",
        "Our own typed events, immutable, in order per account: the source of everything downstream.",
        "account_id",
        sort="sequence",
        sort_is_number=True,
        indexes=(Index("by_time", "feed", "timestamp", projects=("outbox_last",)),),  # one entry a commit
        streamed=True,
        append_only=True,
    ),
    Table(
        "ledger",
        "Double entry: one row per entry, in order per invoice, and one per fact that was posted.",
        "book",
        sort="number",
        sort_is_number=True,
        indexes=(Index("by_account", "account_id", "dated"),),
        append_only=True,
    ),
    Table(
        "ledger_adjustments",
        "Entries by hand that a second person approves before they are posted.",
        "adjustment_id",
        indexes=(Index("by_state", "state", "entered_at"),),
    ),
    Table("ledger_totals", "What a day's entries add up to, by currency.", "shard", sort="slot"),
    Table(
        "ledger_deferrals",
        "When something of an entry is to be recognised next; gone once all of it was.",
        "shard",
        sort="due",
    ),
    Table(
        "ledger_quarantine",
        "Facts that the ledger cannot post yet, under what they wait for.",
        "waits_for",
        sort="event_id",
        indexes=(Index("by_time", "listed", "since"),),
    ),
    Table(
        "outbox",
        "Events stored but not yet known to be published; the sweeper's list.",
        "shard",
        sort="outbox_id",
    ),
    Table(
        "inbox",
        "Raw webhooks as they came, and whether they were dealt with.",
        "event_id",
        indexes=(Index("by_pending", "pending", "queued_at"),),
        expires="expires_at",
    ),
    Table(
        "usage_records",
        "Usage as products told it, each record once; single records expire, their sums stay.",
        "id",
        expires="expires_at",
    ),
    Table(
        "usage_hours",
        "Usage per account, metric and hour, and how much of it the vendor was told.",
        "meter",
        sort="hour",
        indexes=(Index("by_due", "due", "due_at", projects=()),),
        expires="expires_at",
    ),
    Table(
        "usage_periods",
        "Usage per account, metric and billing period, against the plan's limit.",
        "meter",
        sort="period",
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
    Table(
        "invitations",
        "Single-use keys to the beta phase, by hash, and who used them.",
        "invitation_id",
        indexes=(Index("by_state", "state", "created_at"),),
    ),
    Table("buckets", "How fast each vendor may be called: slots taken, and what it refused.", "bucket"),
    Table(
        "audit",
        "Who did what to whom, when and why: one row per act of an operator.",
        "day",
        sort="entry",
        append_only=True,
    ),
    *reconciliation.TABLES,
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
