"""What customer success does with an open payment link: cancel it, send it again, sign off the check."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.errors import Conflict
from usher.ports.queue import Queue
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Put
from usher.records.audit import entry
from usher.records.listing import attributes
from usher.records.signups import LinkOnboarding
from usher.usecases.fields import Body, Email, Text
from usher.usecases.link_booking import is_open
from usher.usecases.link_payment import LinkDesk
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.redriving import Order, Redriving
from usher.usecases.send_payment_link import mail_link


class CancelBody(Body):
    """Body of POST /v1/onboardings/{id}/cancel."""

    reason: Text


class ResendBody(Body):
    """Body of POST /v1/onboardings/{id}/resend: to another address when one is given."""

    email: Email | None = None


class CheckBody(Body):
    """Body of POST /v1/onboardings/{id}/check."""

    note: Text


@dataclass(frozen=True, slots=True)
class LinkRequests:
    """What acting on an open link needs."""

    desk: LinkDesk
    queue: Queue
    redriving: Redriving


def cancel_payment_link(
    signup_id: str, body: CancelBody, caller: Caller, *, requests: LinkRequests
) -> dict[str, Any]:
    """Close the link at the vendor first, then end the onboarding. Raises NotFound, Conflict when it is paid.

    In this order nobody pays for what was cancelled; the same cancellation twice has one effect. One whose
    execution broke before it was paid goes on, to its end.
    """
    desk = requests.desk
    link = desk.onboardings.link(signup_id)
    if link.verdict is not None and link.verdict["step"] == "cancel":
        return _go_to_its_end(link, caller, requests)
    if not is_open(link) or link.verdict is not None:
        raise Conflict(f"{signup_id} cannot be cancelled: it is {link.status}")
    if link.link_id is not None:
        desk.links.close(link.link_id)
    found = desk.settle(link)
    if found.state != "open":
        raise Conflict(f"{signup_id} cannot be cancelled: its payment is {found.state}")
    verdict = {"status": "rejected", "reason": f"cancelled: {body.reason}", "step": "cancel"}
    audit = _audit(link, caller, "onboarding.cancel", desk, reason=body.reason)
    if not desk.end(link, verdict, also=(audit,)):
        raise Conflict(f"{signup_id} cannot be cancelled any more: it came to another end this moment")
    link = desk.onboardings.link(signup_id)
    desk.ring(link)
    return _go_to_its_end(link, caller, requests)


def _go_to_its_end(link: LinkOnboarding, caller: Caller, requests: LinkRequests) -> dict[str, Any]:
    """A cancelled one whose execution had broken goes on, because only that undoes what was made."""
    if link.status == "failed":
        with suppress(Conflict):  # somebody else has it tried again right now
            redrive_onboarding(link.signup_id, Order("it was cancelled", caller), requests.redriving)
    return _shown(requests.desk.onboardings.link(link.signup_id))


def resend_payment_link(
    signup_id: str, body: ResendBody, caller: Caller, *, requests: LinkRequests
) -> dict[str, Any]:
    """Mail the same link once more, or the welcome pack that could not be sent.

    Raises NotFound, Conflict when nothing is to be sent, or it has no address.
    """
    desk = requests.desk
    link = desk.onboardings.link(signup_id)
    email = body.email or link.email
    if link.status == "degraded" and (link.failure or {}).get("step") == "send_link_welcome":
        return _welcome_again(link, email, caller, requests)
    if link.status != "waiting_payment" or link.verdict is not None:
        first = ": redrive it first" if link.status == "failed" else ""
        raise Conflict(f"{signup_id} has no link to send: it is {link.status}{first}")
    if not email:
        raise Conflict(f"nobody told an e-mail address of {signup_id}: send one along")
    values: Item = {"sent": link.sent + 1, "email": email, **attributes(name=None, email=email)}
    count = Equals("sent", link.sent) if link.sent else Absent("sent")
    open_ = Both((Equals("status", "waiting_payment"), count))
    changing = desk.onboardings.changing(signup_id, values, if_=open_)
    after = {"sent": link.sent + 1, "to_new_address": email != link.email}
    try:
        desk.onboardings.write([changing, _audit(link, caller, "onboarding.resend", desk, after=after)])
    except ConditionFailed as error:
        raise Conflict(f"{signup_id} was changed this moment: look at it again") from error
    link = desk.onboardings.link(signup_id)
    mail_link(link, requests.queue, round_=f"again-{link.sent}")
    return _shown(link)


def _welcome_again(
    link: LinkOnboarding, email: str, caller: Caller, requests: LinkRequests
) -> dict[str, Any]:
    """Its mail goes to this address from now on, and is tried at once."""
    if not email:
        raise Conflict(f"nobody told an e-mail address of {link.signup_id}: send one along")
    onboardings = requests.desk.onboardings
    if email != link.email:
        audit = _audit(link, caller, "onboarding.resend", requests.desk, after={"to_new_address": True})
        values = {"email": email, **attributes(name=None, email=email)}
        changing = onboardings.changing(link.signup_id, values, if_=Equals("status", "degraded"))
        try:
            onboardings.write([changing, audit])
        except ConditionFailed as error:
            raise Conflict(f"{link.signup_id} was changed this moment: look at it again") from error
    redrive_onboarding(link.signup_id, Order("the welcome pack is sent again", caller), requests.redriving)
    return _shown(onboardings.link(link.signup_id))


def sign_off_check(
    signup_id: str, body: CheckBody, caller: Caller, *, requests: LinkRequests
) -> dict[str, Any]:
    """Note who looked at the account and what they found. Raises NotFound, Conflict without an open check."""
    desk = requests.desk
    link = desk.onboardings.link(signup_id)
    if "activated" not in link.stages or link.verdict is not None:
        raise Conflict(f"{signup_id} has no account to look at yet: it is {link.status}")
    if (link.check or {}).get("state") == "done":
        raise Conflict(f"{signup_id} was signed off by {(link.check or {})['by']}")
    now = desk.clock.now()
    check = {**(link.check or {}), "state": "done"}
    check |= {"by": caller.subject, "note": body.note, "done_at": times.text(now)}
    unchanged = Equals("check", link.check) if link.check else Absent("check")
    changing = desk.onboardings.changing(signup_id, {"check": check}, if_=unchanged)
    audit = _audit(link, caller, "onboarding.check", desk, reason=body.note)
    try:
        desk.onboardings.write([changing, audit])
    except ConditionFailed as error:
        raise Conflict(f"the check of {signup_id} was changed this moment: look at it again") from error
    return _shown(desk.onboardings.link(signup_id))


def _audit(
    link: LinkOnboarding,
    caller: Caller,
    action: str,
    desk: LinkDesk,
    *,
    reason: str | None = None,
    after: Item | None = None,
) -> Put:
    now, before = desk.clock.now(), {"status": link.status, "stage": link.stage}
    return entry(caller, action, subject=link.signup_id, now=now, before=before, after=after, reason=reason)


def _shown(link: LinkOnboarding) -> dict[str, Any]:
    shown: Item = {
        "signup_id": link.signup_id,
        "status": link.status,
        "stage": link.stage,
        "check": link.check,
        "ended": (link.verdict or {}).get("reason"),
    }
    return {name: value for name, value in shown.items() if value is not None}
