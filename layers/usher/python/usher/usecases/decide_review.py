"""A reviewer's decision on a sign-up that waits for one: stored first, audited, and heard by the workflow."""

from typing import Any, Literal

from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.ports.store import Item, Put
from usher.records.audit import entry
from usher.records.signups import Signup
from usher.usecases.answer_wait import Asker
from usher.usecases.fields import Body, Text


class DecisionBody(Body):
    """Body of POST /v1/onboardings/{id}/decision."""

    decision: Literal["approve", "reject"]
    reason: Text


def decide_review(signup_id: str, body: DecisionBody, caller: Caller, *, asker: Asker) -> dict[str, Any]:
    """Returns how the sign-up stands then. The same decision twice has one effect.

    Raises NotFound, and Conflict when it does not wait for a review: with its state, and after a deadline
    with the decision that holds. A refused decision is audited too, so that the log shows both.
    """
    signup = asker.signups.find(signup_id)
    if signup is None:
        raise NotFound(f"no sign-up {signup_id}")
    answer: Item = {"decision": body.decision, "reason": body.reason, "by": caller.subject}
    stands = asker.waits.get(signup.wait_id("review"))
    if signup.status != "waiting_review" and (stands or {}).get("answer") != answer:
        raise _refused(signup, stands, answer, caller, asker)
    audit = _audit(signup, caller, "onboarding.decide", answer, asker)
    given = asker.answer(signup, "review", answer, also=(audit,))
    if not given.stands and given.row["answer"] != answer:
        raise _refused(signup, given.row, answer, caller, asker)
    now = asker.signups.get(signup_id)
    return {"signup_id": signup_id, "status": now.status, "stage": now.stage, "decision": body.decision}


def _refused(signup: Signup, stands: Item | None, answer: Item, caller: Caller, asker: Asker) -> Conflict:
    """The refusal, once it is in the audit log."""
    asker.signups.write([_audit(signup, caller, "onboarding.decide_refused", answer, asker)])
    held = (stands or {}).get("answer")
    if held is None:
        return Conflict(f"{signup.signup_id} does not wait for a review; it is {signup.status}")
    return Conflict(
        f"{signup.signup_id} was settled before: {held['decision']} by {held['by']}"
        f" ({held.get('reason', 'no reason given')}); it is {signup.status}"
    )


def _audit(signup: Signup, caller: Caller, action: str, answer: Item, asker: Asker) -> Put:
    return entry(
        caller,
        action,
        subject=signup.signup_id,
        before={"status": signup.status},
        after={"decision": answer["decision"]},
        reason=answer["reason"],
        now=asker.clock.now(),
    )
