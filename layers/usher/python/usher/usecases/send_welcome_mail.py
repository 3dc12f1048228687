"""Step SendWelcomeMail: the one mail that says the account is ready."""

from datetime import timedelta

from usher.domain import times
from usher.domain.errors import NotYet, VendorUnavailable
from usher.domain.events import OnboardingCompleted
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.mail import Mail, Mailer
from usher.ports.store import Absent, Both, ConditionFailed, Item, Present
from usher.records.events import EventLog
from usher.records.mails import Mails
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "send_welcome_mail"


def send_welcome_mail(
    command: StepCommand,
    *,
    mailer: Mailer,
    mails: Mails,
    signups: Signups,
    log: EventLog,
    policy: OnboardingPolicy,
    clock: Clock,
    index_lag: timedelta,
) -> StepResult:
    """Send the mail once: when an earlier try may have gone through, look for it before sending again.

    `index_lag` is how long the vendor's message search may trail behind its sending.

    Raises NotYet while the vendor's search may still lag behind that earlier try.
    """
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # RegisterSignup ran before
    end, cleared = _end(signup)
    if signup.welcome_message_id is not None:
        if cleared:
            write = signups.changing(signup.signup_id, end, remove=cleared)
            log.commit(signup.account_id, [], [write], correlation_id=command.correlation_id, now=clock.now())
        return OK
    message_id = _send_once(signup, mailer, mails, policy, clock, index_lag)
    now = clock.now()
    progress = {**end, "welcome_message_id": message_id, **mark(command, STEP, now)}
    not_yet = Both((Present("signup_id"), Absent("welcome_message_id")))
    try:
        log.commit(
            signup.account_id,
            [OnboardingCompleted(signup_id=signup.signup_id, plan=signup.plan)],
            [signups.changing(signup.signup_id, progress, remove=cleared, if_=not_yet)],
            correlation_id=command.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if not (error.failed.get(0) or {}).get("welcome_message_id"):
            raise  # something else than "another try was faster"
    return OK


def _end(signup: Signup) -> tuple[Item, tuple[str, ...]]:
    """What a sent mail sets and clears: after a redrive, who lacks nothing any more is no longer degraded."""
    if signup.status == "degraded" and signup.steps.get("sync_crm", {}).get("status") == "done":
        return {"stage": "welcomed", "status": "active"}, ("failure",)
    return {"stage": "welcomed"}, ()


def _send_once(
    signup: Signup,
    mailer: Mailer,
    mails: Mails,
    policy: OnboardingPolicy,
    clock: Clock,
    index_lag: timedelta,
) -> str:
    assert signup.account_id is not None
    mail_id = f"welcome/{signup.signup_id}"
    former = mails.claim(
        mail_id, template=policy.welcome_template, account_id=signup.account_id, now=clock.now()
    )
    if former is not None and former["state"] == "sent":
        return str(former["message_id"])
    if former is not None and former["state"] != "unsent":
        if message_id := mailer.find(mail_id):
            mails.sent(mail_id, message_id=message_id, now=clock.now())
            return message_id
        if clock.now() - times.moment(str(former["tried_at"])) < index_lag:
            raise NotYet(
                "an earlier try may have sent this mail; its index is given time before sending again"
            )
    if former is not None:
        mails.trying(former, now=clock.now())
    try:
        message_id = mailer.send(_welcome(signup, mail_id, policy))
    except VendorUnavailable as error:
        # Once a try may have gone through, a later one that certainly did not changes nothing about it.
        unknown = error.outcome_unknown or (former is not None and former["state"] != "unsent")
        mails.note_attempt(mail_id, outcome_unknown=unknown, now=clock.now())
        raise
    mails.sent(mail_id, message_id=message_id, now=clock.now())
    return message_id


def _welcome(signup: Signup, mail_id: str, policy: OnboardingPolicy) -> Mail:
    return Mail(
        mail_id=mail_id,
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
