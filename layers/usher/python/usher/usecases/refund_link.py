"""Step RefundLink: the link is closed, and whatever was paid is paid back."""

from usher.usecases.link_payment import LinkDesk
from usher.usecases.step import OK, StepCommand, StepResult, mark


def refund_link(command: StepCommand, *, desk: LinkDesk) -> StepResult:
    """Close the link, then pay back whatever was paid, and end what its checkouts made."""
    link = desk.onboardings.link(command.signup_id)
    assert link.verdict is not None  # BeginRollback ran before
    if link.link_id is not None:
        desk.links.close(link.link_id)
        for checkout in desk.links.checkouts(link.link_id):
            if checkout.state == "paid":
                desk.returns.give_back(link, checkout, str(link.verdict["reason"]))
            elif (
                checkout.state != "processing"
            ):  # that money is still on its way, and goes back when it comes
                desk.returns.give_up(link, checkout)
    desk.onboardings.change(link.signup_id, mark(command, "refund_link", desk.clock.now()))
    return OK
