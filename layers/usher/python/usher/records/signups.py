"""Sign-ups: the master record of each one, with its steps and every id it got on the way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.errors import NotFound
from usher.domain.onboarding import steps_of
from usher.domain.payment_links import STAGES, Offer
from usher.ports.store import Condition, Item, Present, Store, Update, Write

TABLE = "signups"
PAYMENT_LINK = "payment_link"  # the kind of record that a LinkOnboarding is
_STEP, _STAGE, _REFUSED = "step_", "stage_", "refused_"


class Company(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    name: str
    domain: str | None = None
    size: int | None = None


class Signup(BaseModel):
    """The master record. Ids are None until their step is done; times are ISO 8601 UTC.

    `checkout_keys` counts the idempotency keys that are spent on its checkout in this attempt.

    E-mail and name are "" where nobody told them yet, and so is the plan where credits are sold: only a
    payment link can be that way.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    signup_id: str
    correlation_id: str
    status: str
    stage: str
    received_at: str
    email: str = ""
    name: str = ""
    phone: str | None = None
    company: Company | None = None
    plan: str = ""
    payment_method: str | None = None
    payment: str = "card"
    trial: bool | None = None
    referral_source: str | None = None
    external_id: str | None = None
    sso_subject: str | None = None
    locale: str | None = None
    marketing_consent: bool = False
    trial_days: int = 0
    account_id: str | None = None
    user_id: str | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    subscription_status: str | None = None
    tenant_id: str | None = None
    identity_id: str | None = None
    subdomain: str | None = None
    api_key_id: str | None = None
    contact_id: str | None = None
    company_id: str | None = None
    subscription_object_id: str | None = None
    welcome_message_id: str | None = None
    active_at: str | None = None
    seconds_to_active: float | None = None
    failure: dict[str, Any] | None = None
    attempt: int = 1
    redrives: int = 0
    former: tuple[dict[str, Any], ...] = ()
    ended: str | None = None
    kind: str = "signup"
    invited: bool = False
    invitation_id: str | None = None
    trial_card: str | None = None
    gates_passed: tuple[str, ...] = ()
    waiting: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    refunded_ids: tuple[str, ...] = ()  # payments that an undo has paid back
    checkout_id: str | None = None
    checkout_url: str | None = None
    checkout_keys: int = 0
    steps: dict[str, dict[str, Any]] = {}

    @property
    def company_name(self) -> str:
        """The company, or the person for a sign-up without one."""
        return self.company.name if self.company else self.name

    def wait_id(self, kind: str) -> str:
        """The key of this sign-up's wait of a kind; a new attempt asks anew."""
        return f"{kind}#{self.signup_id}#{self.attempt}"


class LinkOnboarding(Signup):
    """The master record of an onboarding by payment link; `stages` are the moments it reached them.

    `team` says whether the team was there before; `refused` is every payment that was given back, by its
    checkout. `checkout_id` is the checkout that counts.
    """

    kind: str = PAYMENT_LINK
    offer: Offer
    deadline: str
    team: Literal["linked", "created"] | None = None
    team_id: str | None = None
    team_name: str = ""
    former_plan: str | None = None
    claim: str | None = None  # the key under which this sale is kept, of the table `claims`
    opened_at: str | None = None  # when its present attempt began, None for the first
    link_id: str | None = None
    payment_id: str | None = None
    paid_at: str | None = None
    seconds_paid_to_active: float | None = None
    sent: int = 0
    stages: dict[str, str] = {}
    refused: dict[str, dict[str, Any]] = {}
    check: dict[str, Any] | None = None

    @property
    def is_paid(self) -> bool:
        return self.checkout_id is not None

    @property
    def grant(self) -> str:
        """The name under which this attempt's credits are granted, once."""
        again = f"-{len(self.former) + 1}" if self.former else ""
        return f"link-{self.signup_id}{again}"

    @property
    def former_links(self) -> tuple[str, ...]:
        """The links of former attempts: closed, but money may still come for them."""
        return tuple(former["link_id"] for former in self.former if "link_id" in former)


def step_attribute(step: str) -> str:
    """The name of the attribute that says how a step stands."""
    return _STEP + step


def step_mark(
    step: str,
    *,
    status: str,
    attempts: int,
    started_at: str,
    finished_at: str | None,
    error: str | None = None,
) -> Item:
    """The attribute that says how one step stands. `attempts` counts from 1."""
    mark: Item = {"status": status, "attempts": attempts, "started_at": started_at}
    if finished_at is not None:
        mark["finished_at"] = finished_at
    if error is not None:
        mark["error"] = error
    return {_STEP + step: mark}


def given_up(signup: Signup, step: str, *, finished_at: str) -> Item:
    """The attribute that says that a step which was retrying is not tried any more."""
    mark = signup.steps.get(step)
    if mark is None or mark["status"] != "retrying":
        return {}
    return {_STEP + step: {**mark, "status": "failed", "finished_at": finished_at}}


def all_given_up(signup: Signup, *, finished_at: str, error: str) -> Item:
    """The attributes that say that whatever was waiting or retrying will not be tried any more, and why."""
    ends = {"status": "failed", "finished_at": finished_at, "error": error}
    return {
        _STEP + name: {**mark, **ends}
        for name, mark in signup.steps.items()
        if mark["status"] in {"waiting", "retrying"}
    }


def failed_step(signup: Signup) -> tuple[str, str]:
    """The step that stopped the sign-up and its reason; the earliest one when several did."""
    for name, step in signup.steps.items():
        if step["status"] == "failed":
            return name, reason_of(signup, name)
    return "unknown", "no step recorded why"


def reason_of(signup: Signup, step: str) -> str:
    """Why this step did not succeed, as far as it was recorded."""
    return str(signup.steps.get(step, {}).get("error", "no reason was recorded"))


def finished(signup: Signup, step: str, *, now: datetime) -> Item:
    """The attribute that says that a step which was under way is done; nothing for an unknown one."""
    mark = signup.steps.get(step)
    return {} if mark is None else {_STEP + step: {**mark, "status": "done", "finished_at": times.text(now)}}


class Signups:
    """Reads and changes master records; parallel steps change different attributes of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, signup_id: str) -> Signup | None:
        item = self._store.get(TABLE, {"signup_id": signup_id})
        return None if item is None else parse(item)

    def get(self, signup_id: str) -> Signup:
        """The master record. Raises NotFound."""
        signup = self.find(signup_id)
        if signup is None:
            raise NotFound(f"no sign-up {signup_id}: its master record was never stored")
        return signup

    def change(
        self, signup_id: str, values: Item, *, remove: tuple[str, ...] = (), if_: Condition | None = None
    ) -> Signup:
        """Set attributes of an existing record; returns it as it now is. Raises ConditionFailed."""
        item = self._store.write(self.changing(signup_id, values, remove=remove, if_=if_))
        assert item is not None  # an Update answers with the item
        return parse(item)

    def write(self, writes: Sequence[Write]) -> None:
        """Do writes that belong to no change of a record. Raises ConditionFailed."""
        self._store.transact(writes)

    def changing(
        self, signup_id: str, values: Item, *, remove: tuple[str, ...] = (), if_: Condition | None = None
    ) -> Update:
        """The write that `change` does, for use inside a transaction. Values of None are left out."""
        present = {name: value for name, value in values.items() if value is not None}
        key = {"signup_id": signup_id}
        return Update(TABLE, key, set=present, remove=remove, if_=if_ or Present("signup_id"))


def parse(item: Item) -> Signup:
    """A stored item as a record, its step marks gathered in their order; a payment link as LinkOnboarding."""
    kind = item.get("kind", "signup")
    steps = {step: {"name": step, **item[_STEP + step]} for step in steps_of(kind) if _STEP + step in item}
    values = {**item, "steps": steps, "seconds_to_active": _seconds(item, "milliseconds_to_active")}
    if kind != PAYMENT_LINK:
        return Signup.model_validate(values)
    values["stages"] = {stage: item[_STAGE + stage] for stage in STAGES if _STAGE + stage in item}
    values["refused"] = {
        name.removeprefix(_REFUSED): value for name, value in item.items() if name.startswith(_REFUSED)
    }
    values["seconds_paid_to_active"] = _seconds(item, "milliseconds_paid_to_active")
    return LinkOnboarding.model_validate(values)


def _seconds(item: Item, name: str) -> float | None:
    return None if item.get(name) is None else item[name] / 1000


def stage_attribute(stage: str) -> str:
    """The name of the attribute that says when a payment link's onboarding reached a stage."""
    return _STAGE + stage


def refused_attribute(checkout_id: str) -> str:
    """The name of the attribute that says that a checkout's payment was given back, and why."""
    return _REFUSED + checkout_id


def activation_timing(received_at: str, now: datetime) -> Item:
    """When the account became active and how long it took, as stored (milliseconds: no floats in records)."""
    took = now - times.moment(received_at)
    return {
        "active_at": times.text(now),
        "milliseconds_to_active": max(0, round(took.total_seconds() * 1000)),
    }
