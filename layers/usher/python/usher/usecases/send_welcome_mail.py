"""Step SendWelcomeMail: the one mail that says the account is ready; in batches (B6)."""

from collections.abc import Sequence
from datetime import datetime

from usher.domain.errors import UsherError
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.onboarding_events import OnboardingCompleted
from usher.ports.clock import Clock
from usher.ports.mail import Mail
from usher.ports.store import Absent, Both, ConditionFailed, Item, Present
from usher.records.events import Commit, EventLog
from usher.records.signups import Signup, Signups
from usher.usecases.post import Post
from usher.usecases.step import OK, StepCommand, mark
from usher.usecases.step_batch import Outcome, in_order, of_signups

STEP = "send_welcome_mail"


def send_welcome_mail(
    commands: Sequence[StepCommand],
    *,
    post: Post,
    signups: Signups,
    log: EventLog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> list[Outcome]:
    """Send each mail once: where an earlier try may have gone through, look for it before sending again.

    The commands are of different sign-ups; per command its outcome, NotYet while the vendor's search may
    still lag behind an earlier try.
    """
    found, outcomes = of_signups(commands, signups)
    unsent = [signup for _, signup in found if signup.welcome_message_id is None]
    sent = post.send_once({str(signup.account_id): _welcome(signup, policy) for signup in unsent})
    now = clock.now()
    ends: dict[str, Commit] = {}
    for command, signup in found:
        message_id = sent.get(_mail_id(signup), signup.welcome_message_id)
        if isinstance(message_id, UsherError):
            outcomes[signup.signup_id] = message_id
            continue
        outcomes[signup.signup_id] = OK
        end = _end(command, signup, str(message_id), signups, now)
        if end is not None:
            ends[signup.signup_id] = end
    for id, error in zip(ends, log.commit_all(list(ends.values()), now=now), strict=True):
        if error is not None and not _was_ended(error):
            outcomes[id] = error
    return in_order(commands, outcomes)


def _end(
    command: StepCommand, signup: Signup, message_id: str, signups: Signups, now: datetime
) -> Commit | None:
    """What a sent mail sets, clears and tells of; None when all of it is on record.

    After a redrive, who lacks nothing any more is no longer degraded.
    """
    assert signup.account_id is not None  # RegisterSignup ran before
    repaired = signup.status == "degraded" and signup.steps.get("sync_crm", {}).get("status") == "done"
    end: Item = {"stage": "welcomed", "status": "active"} if repaired else {"stage": "welcomed"}
    cleared = ("failure",) if repaired else ()
    if signup.welcome_message_id is not None:
        if not repaired:
            return None
        write = signups.changing(signup.signup_id, end, remove=cleared)
        return Commit(signup.account_id, [], [write], command.correlation_id)
    values = {**end, "welcome_message_id": message_id, **mark(command, STEP, now)}
    not_yet = Both((Present("signup_id"), Absent("welcome_message_id")))
    write = signups.changing(signup.signup_id, values, remove=cleared, if_=not_yet)
    told = OnboardingCompleted(signup_id=signup.signup_id, plan=signup.plan)
    return Commit(signup.account_id, [told], [write], command.correlation_id)


def _was_ended(error: UsherError) -> bool:
    """Whether another try was faster with the very same end."""
    return isinstance(error, ConditionFailed) and bool((error.failed.get(0) or {}).get("welcome_message_id"))


def _welcome(signup: Signup, policy: OnboardingPolicy) -> Mail:
    return Mail(
        mail_id=_mail_id(signup),
        to=signup.email,
        template=policy.welcome_template,
        stream=policy.welcome_stream,
        tag="welcome",
        model={
            "name": signup.name,
            "company": signup.company_name,
            "plan": signup.plan,
            "product_url": policy.product_url,
            "subdomain": signup.subdomain or "",
        },
        correlation_id=signup.correlation_id,
    )


def _mail_id(signup: Signup) -> str:
    return f"welcome/{signup.signup_id}"
