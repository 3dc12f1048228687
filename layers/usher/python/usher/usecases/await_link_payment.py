"""Step AwaitLinkPayment: the workflow waits for the link to be paid, at no cost."""

from usher.ports.queue import Queue
from usher.ports.store import Absent, Both, ConditionFailed
from usher.usecases.link_payment import KIND, LinkDesk
from usher.usecases.link_standing import outcome
from usher.usecases.send_payment_link import mail_link
from usher.usecases.step import OK, AskCommand, StepResult, mark

STEP = "await_link_payment"


def await_link_payment(command: AskCommand, *, desk: LinkDesk, queue: Queue) -> StepResult:
    """Note who waits, then look: paid, cancelled or refused in the meantime is answered at once.

    In this order a payment or a cancellation in between is seen by the one or by the other. The reminder
    is a second mail with the same link.
    """
    now = desk.clock.now()
    link = desk.onboardings.link(command.signup_id)
    deadline = (link.waiting or {}).get("deadline", link.deadline)
    desk.waits.ask_anew(link.wait_id(KIND), token=command.task_token, deadline=deadline, now=now)
    link = desk.onboardings.link(command.signup_id)
    if outcome(link) is None:
        _mark_waiting(command, desk)
        found = desk.settle(link)
        if found.state == "open" and command.reminder and link.email:
            mail_link(link, queue, round_="reminder")
        return OK
    desk.settle(link)  # money that came after the end goes back
    desk.ring(desk.onboardings.link(command.signup_id))
    return OK


def _mark_waiting(command: AskCommand, desk: LinkDesk) -> None:
    """Say on the record that the payment is waited for, unless it has come to an end this moment."""
    waits = mark(command, STEP, desk.clock.now(), status="waiting")
    open_ = Both((Absent("checkout_id"), Absent("verdict")))
    try:
        desk.onboardings.change(command.signup_id, waits, if_=open_)
    except ConditionFailed:
        return
