"""What a redrive does to a master record: a sign-up that came to nothing is on its way once more."""

from dataclasses import replace
from datetime import datetime

from usher.domain import times
from usher.domain.emails import claim_key
from usher.domain.onboarding import steps_of
from usher.domain.payment_links import STAGES
from usher.ports.store import Absent, Both, Either, Equals, Item, Put, Update
from usher.records.accounts import Account
from usher.records.failures import Failure
from usher.records.link_onboardings import held
from usher.records.signups import TABLE, LinkOnboarding, Signup, stage_attribute, step_attribute

UNDONE = (
    "customer_id",
    "subscription_id",
    "subscription_status",
    "tenant_id",
    "identity_id",
    "subdomain",
    "api_key_id",
    "contact_id",
    "company_id",
    "subscription_object_id",
    "checkout_id",
    "payment_id",
    "link_id",
)
"""Ids of what a rollback took back: they are kept under `former` and made anew."""

_OUTCOME = (
    "failure",
    "verdict",
    "closed_at",
    "waiting",
    "checkout_url",
    "active_at",
    "milliseconds_to_active",
)
_OUTCOME_OF_LINK = (
    "paid_at",
    "milliseconds_paid_to_active",
    "welcome_message_id",
    "check",
    "sent",
    "former_plan",
    *map(stage_attribute, STAGES),
)


def waiting_anew(signup: Signup, now: datetime) -> Item:
    """What the record says of a wait that begins again: as long as the first time, counted from now.

    The page to pay at is another request then, which needs a key of its own.
    """
    if isinstance(signup, LinkOnboarding) or signup.waiting is None:
        return {}  # a link can be paid until the deadline that its maker chose
    former = signup.waiting
    span = times.moment(former["deadline"]) - times.moment(former["since"])
    waiting = {**former, "since": times.text(now), "deadline": times.text(now + span)}
    return {"waiting": waiting, "checkout_keys": signup.checkout_keys + 1}


def resuming(signup: Signup, now: datetime) -> Update:
    """The write that lets a sign-up go on where its execution broke."""
    status = "degraded" if signup.status == "degraded" else _under_way(signup)
    return Update(
        TABLE,
        {"signup_id": signup.signup_id},
        set={"status": status, **waiting_anew(signup, now)},
        remove=() if signup.status == "degraded" else ("failure",),
        if_=Equals("status", signup.status),
    )


def failing(signup: Signup, failure: Failure) -> Update:
    """The write that says that a sign-up which is under way has failed after all: nothing runs for it."""
    known = {
        "step": failure.step,
        "reason": failure.reason,
        "since": failure.failed_at,
        "correlation_id": failure.correlation_id,
        **({"execution": failure.execution} if failure.execution else {}),
    }
    return Update(
        TABLE,
        {"signup_id": signup.signup_id},
        set={"status": "failed", "failure": known},
        if_=Equals("status", signup.status),
    )


def restarting(signup: Signup) -> Update:
    """The write that gives a sign-up a new execution; `redrives` counts them, and only one can have each.

    One that was rolled back begins a new attempt: with the ids of what was undone moved to `former`, no
    steps done, and its payment owed again. Any other goes over the same ground, where each step finds
    what it did before.
    """
    count = (
        Either((Absent("redrives"), Equals("redrives", 0)))
        if signup.redrives == 0
        else Equals("redrives", signup.redrives)
    )
    values: Item = {"redrives": signup.redrives + 1}
    remove: tuple[str, ...] = ()
    if signup.status == "rolled_back":
        known = {name: value for name in UNDONE if (value := getattr(signup, name, None)) is not None}
        values |= {
            "status": "provisioning",
            "stage": "received",
            "attempt": signup.attempt + 1,
            "former": [*signup.former, {"attempt": signup.attempt, **known}],
            "gates_passed": [gate for gate in signup.gates_passed if gate != "payment"],
        }
        remove = (*UNDONE, *_OUTCOME, *(step_attribute(step) for step in steps_of(signup.kind)))
    elif signup.status == "failed":
        values["status"] = _under_way(signup)
        remove = ("failure",)
    if signup.waiting is not None and signup.status != "rolled_back":  # it is asked anew by RegisterSignup
        values["checkout_keys"] = signup.checkout_keys + 1
    return Update(
        TABLE,
        {"signup_id": signup.signup_id},
        set=values,
        remove=remove,
        if_=Both((Equals("status", signup.status), count)),
    )


def relinking(link: LinkOnboarding, account: Account | None, *, now: datetime) -> Update:
    """The write that sells a rolled-back link's offer anew: `restarting`, for as long as the first time.

    What an account had before the sale it has still; a team that was made for the sale is made again.
    """
    again = restarting(link)
    span = times.moment(link.deadline) - times.moment(link.opened_at or link.received_at)
    has = {name: value for name, value in held(account).items() if value is not None}
    values: Item = {
        "status": "received",
        "opened_at": times.text(now),
        "deadline": times.text(now + span),
        **has,
    }
    team = ("team", "team_id", "team_name") if link.team == "created" else ()
    gone = {*again.remove, *_OUTCOME_OF_LINK, *team} - values.keys()
    return replace(again, set={**again.set, **values}, remove=tuple(sorted(gone)))


def _under_way(signup: Signup) -> str:
    """The status of one that goes on where it broke; a link that is not paid is still to be paid."""
    if isinstance(signup, LinkOnboarding) and not signup.is_paid and signup.verdict is None:
        return "received" if signup.link_id is None else "waiting_payment"
    return "provisioning"


def claiming(signup: Signup) -> Put:
    """The write that keeps its e-mail for this sign-up's next attempt, and says so to whoever claims it too.

    It fails when another one claimed it meanwhile.
    """
    return Put(
        "claims",
        {"claim": claim_key(signup.email), "signup_id": signup.signup_id, "attempt": signup.attempt + 1},
        if_=Either((Absent("claim"), Equals("signup_id", signup.signup_id))),
    )
