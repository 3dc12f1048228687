"""Step SendPaymentLink: the link goes out by mail when there is an address; the quotation is sent."""

from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.ports.store import ConditionFailed
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding
from usher.usecases.asking import NOTICES
from usher.usecases.link_stages import reaching
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "send_payment_link"
NOTICE = "payment_link"


def send_payment_link(
    command: StepCommand, *, onboardings: LinkOnboardings, log: EventLog, queue: Queue, clock: Clock
) -> StepResult:
    """Queue the mail and note the stage; without an address customer success passes the link on itself."""
    link, now = onboardings.link(command.signup_id), clock.now()
    assert link.account_id is not None
    moved = reaching(link, "quotation_sent", now=now)
    if moved is None:
        return OK
    if link.email and not link.sent:  # who was quicker than this step has sent it already
        mail_link(link, queue, round_="first")
    write = onboardings.changing(
        link.signup_id, {**moved.values, **mark(command, STEP, now)}, if_=moved.condition
    )
    try:
        log.commit(link.account_id, moved.events, [write], correlation_id=link.correlation_id, now=now)
    except ConditionFailed as error:
        if 0 not in error.failed:
            raise  # something else than "another try was faster"
    return OK


def mail_link(link: LinkOnboarding, queue: Queue, *, round_: str) -> None:
    """Queue one mail with the link; round and attempt make a repeated one send it once."""
    body = {
        "notice": NOTICE,
        "signup_id": link.signup_id,
        "correlation_id": link.correlation_id,
        "round": round_,
        "visit": str(link.attempt),
    }
    queue.send(NOTICES, [Message(body)])
