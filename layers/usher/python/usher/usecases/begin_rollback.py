"""Step BeginRollback: the sign-up will not go on; how it ends is settled here, before anything is undone.

Row B7 of docs/product.md.
"""

from usher.domain import times
from usher.ports.clock import Clock
from usher.records.signups import PAYMENT_LINK, Signup, Signups, all_given_up, failed_step
from usher.usecases.step import StepCommand, StepResult

STAGE = "rolling_back"
_MADE_SOMETHING = (
    "create_billing_customer",
    "create_identity",
    "provision_tenant",
    "ask_payment",
)


def begin_rollback(command: StepCommand, *, signups: Signups, clock: Clock) -> StepResult:
    """Write the verdict, once: rejected or expired when a gate said so, else rolled back with the reason.

    Answers `close` when nothing was begun at any vendor, else `undo`. Who is active is undone only where
    policy asks for that when the CRM refuses.
    """
    signup = signups.get(command.signup_id)
    if signup.stage != STAGE:
        step, reason = failed_step(signup)
        if signup.kind == "signup" and signup.active_at is not None and step != "sync_crm":
            # A bug of ours, whatever led here: it fails the execution and pages, and nobody loses access.
            raise RuntimeError(f"{signup.signup_id} is active and not to be undone (for {step})")
        verdict = {"status": "rolled_back", "reason": reason, "step": step} | (signup.verdict or {})
        ended = all_given_up(signup, finished_at=times.text(clock.now()), error=verdict["reason"])
        signups.change(command.signup_id, {"stage": STAGE, "verdict": verdict, **ended})
    return StepResult(outcome="undo" if _may_have_made(signup) else "close")


def _may_have_made(signup: Signup) -> bool:
    """A step that was begun may have worked without an answer: its mark is enough.

    A payment link's team and link are made by the API, before any step: something of them may be there.
    """
    return (
        signup.kind == PAYMENT_LINK
        or signup.customer_id is not None
        or any(step in signup.steps for step in _MADE_SOMETHING)
    )
