"""Queues, streams, rules and schedules of the catalog."""

from infra.announcing import announced
from infra.catalog_entries import Queue, Rule, Schedule, Stream
from infra.catalog_of import reconciliation
from usher.domain import events
from usher.domain.posting_rules import RULES as POSTED

QUEUES = (
    Queue(
        "signups",
        "Accepted sign-ups on their way to a workflow.",
        "intake/dispatch_signup",
        max_concurrency=25,  # some wait, a second at most, for the moment their sign-ups may start
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
    Queue(
        "usage",
        "Usage records on their way to their sums, an account's one batch after the other.",
        "usage/record_usage",
        fifo=True,
        visibility_seconds=60,
        max_receives=10,
        max_concurrency=8,
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "usage-reports",
        "Hours of usage to be told, one after the other of each account's metric.",
        "billing/push_usage",
        fifo=True,
        max_receives=5,
        max_concurrency=4,
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "notices",
        "Mails to one person: a link to confirm, to pay, to look at.",
        "mail/send_notice",
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "payments",
        "What sync finds of payments, on its way to whoever waits for one; late money goes back from here.",
        "billing/settle_payment",
        visibility_seconds=120,
        max_receives=8,
        batch_size=1,
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "subscriptions",
        "What sync finds that began, on its way to its account; a second one is paid back from here.",
        "billing/adopt_subscription",
        visibility_seconds=120,
        max_receives=8,
        batch_size=1,
        dead_letter_consumer="operations/file_dead_letter",
    ),
    Queue(
        "ledger",
        "Events that money hangs on, on their way into the ledger: a burst waits here.",
        "reporting/post_ledger",
        max_receives=8,
        batch_size=100,  # an account's events come together, and those of one batch wait for no other's
        batch_window_seconds=2,
        max_concurrency=2,
        dead_letter_consumer="operations/file_dead_letter",
    ),
)

TOLD = (
    "onboarding.degraded",
    "onboarding.failed",
    "onboarding.rolled_back",
    "onboarding.rejected",
    "onboarding.expired",
    "onboarding.waiting",
    "onboarding.stage_changed",
    "onboarding.payment_returned",
    "onboarding.repaired",
    "subscription.refused",
    "trial.repeated",
    *announced(),
)

_NOTHING_NEW = {  # to what an account may do
    "account.created",
    "account.billing_changed",
    "account.customer_deleted",
    "plan.selected",
    "subscription.created",  # what it begins as is told beside it
    "subscription.trial_ending",
    "subscription.prorated_charge",
    "subscription.refused",
    "subscription.cancel_scheduled",
    "subscription.change_scheduled",
}
ENTITLING = tuple(
    kind
    for kind in sorted(events.CATALOG)
    if kind.startswith(("account.", "subscription.", "plan.", "usage.limit_reached"))
    and kind not in _NOTHING_NEW
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
        queue="payments",
    ),
    Rule(
        "subscription-began",
        "What a checkout made becomes the account's subscription; a second one is refused.",
        "usher",
        "usher",
        ("subscription.created", "subscription.activated"),
        "billing/adopt_subscription",
        detail=(("context.by", ("sync",)),),
        queue="subscriptions",
    ),
    Rule(
        "trial-ending",
        "Whoever is on a trial hears three days before its end what happens then.",
        "usher",
        "usher",
        ("subscription.trial_ending",),
        "mail/announce_trial_end",
    ),
    Rule(
        "money-moved",
        "What is billed, paid, paid back and disputed is posted to the ledger.",
        "usher",
        "usher",
        tuple(POSTED),
        "reporting/post_ledger",
        queue="ledger",
    ),
    Rule(
        "entitlements-changed",
        "What is kept of what an account may do is forgotten when that may have changed.",
        "usher",
        "usher",
        ENTITLING,
        "operations/forget_entitlements",
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
    *reconciliation.RULES,
)

SCHEDULES = (
    Schedule("mend-failures", "Settles redrives, and tries again what waits.", 1, "operations/mend_failures"),
    Schedule("tell-digest", "Counts new customers for the channel.", 15, "operations/tell_digest"),
    Schedule("end-beta-plans", "Ends what was given an end.", 5, "onboarding/end_beta_plans"),
    Schedule("close-hours", "Sends on what was used in hours that have settled.", 1, "usage/close_hours"),
    Schedule("sweep-inbox", "Queues again what was claimed and never finished.", 1, "intake/sweep_inbox"),
    Schedule(
        "recognize-revenue",
        "Turns what was deferred for a month that is over into revenue.",
        30,
        "reporting/recognize_revenue",
    ),
    Schedule(
        "collect-fees",
        "Asks what Stripe kept of the last days' payments.",
        24 * 60,
        "billing/collect_fees",
        after_minutes=150,
    ),
    Schedule("finish-ends", "Finishes what an end began to give back.", 1, "billing/finish_ends"),
    Schedule("sweep-outbox", "Publishes what the stream lost.", 1, "reporting/sweep_outbox"),
    *reconciliation.SCHEDULES,
)
