"""Step CloseWait: a deadline has passed; the stored answer counts, else what policy says of silence."""

from typing import Literal

from usher.domain.access import Caller
from usher.records.audit import entry
from usher.usecases.answer_wait import Asker
from usher.usecases.step import StepCommand, StepResult


class CloseWait(StepCommand):
    """Input of the step: which wait has come to its end."""

    wait_kind: Literal["confirmation", "review"]


def close_wait(command: CloseWait, *, asker: Asker) -> StepResult:
    """Close the wait so that no later answer takes effect, and go where the answer that stands leads."""
    signup = asker.signups.get(command.signup_id)
    if command.wait_kind == "review":
        decision = asker.policy.review.default
        default = {"decision": decision, "by": "policy", "reason": "nobody decided before the deadline"}
    else:
        default = {"decision": "expire", "by": "policy", "reason": "the address was not confirmed in time"}
    now = asker.clock.now()
    answer = asker.waits.close(signup.wait_id(command.wait_kind), default, now=now)
    audit = entry(
        Caller("policy"),
        f"{command.wait_kind}.closed",
        subject=signup.signup_id,
        before={"status": signup.status},
        after={"decision": answer["decision"]},
        reason=answer.get("reason"),
        now=now,
    )
    return asker.take(signup, command.wait_kind, answer, also=(audit,))
