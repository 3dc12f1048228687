"""How somebody is asked: it is noted who waits and since when, and the workflow waits at no cost (B8)."""

from usher.domain import times
from usher.domain.gates import WaitKind
from usher.ports.queue import Message, Queue
from usher.records.reopening import waiting_anew
from usher.records.signups import Signup
from usher.usecases import gates
from usher.usecases.answer_wait import Asker
from usher.usecases.step import AskCommand, mark

NOTICES = "notices"


def send_notice(queue: Queue, command: AskCommand, notice: str) -> None:
    """Queue one mail to the sign-up's person; its name makes a repeated step send it once.

    Asked again after a redrive is another visit of the step, and another mail.
    """
    round_ = "reminder" if command.reminder else "first"
    body = {
        "notice": notice,
        "signup_id": command.signup_id,
        "correlation_id": command.correlation_id,
        "round": round_,
        "visit": times.text(command.entered_at),
    }
    queue.send(NOTICES, [Message(body)])


def ask(command: AskCommand, kind: WaitKind, asker: Asker) -> bool:
    """Note who waits; returns whether somebody still has to be asked.

    An answer that came first is given at once to the task that this very call belongs to.
    """
    now = asker.clock.now()
    signup = waits_again(command, kind, asker)
    assert signup.account_id is not None  # RegisterSignup ran before
    waiting = signup.waiting or {}
    deadline = str(waiting.get("deadline") or times.text(now))
    stored = asker.waits.ask(signup.wait_id(kind), token=command.task_token, deadline=deadline, now=now)
    if stored is not None:
        result = asker.take(signup, kind, stored)
        asker.workflows.succeed(command.task_token, result.model_dump(mode="json"))
        return False
    if command.reminder and waiting:
        reminded = gates.told(signup.signup_id, {"waiting": waiting}, reminder=True)
        asker.log.commit(signup.account_id, reminded, [], correlation_id=command.correlation_id, now=now)
    return True


def waits_again(command: AskCommand, kind: WaitKind, asker: Asker) -> Signup:
    """The record, which says that it waits: also of a sign-up that had failed and is resumed by hand."""
    now = asker.clock.now()
    asked = mark(command, f"ask_{kind}", now, status="waiting")
    signup = asker.signups.change(command.signup_id, asked)
    if signup.status == "failed":
        back = {"status": f"waiting_{kind}", "stage": f"waiting_{kind}", **waiting_anew(signup, now)}
        signup = asker.signups.change(command.signup_id, back, remove=("failure",))
    return signup
