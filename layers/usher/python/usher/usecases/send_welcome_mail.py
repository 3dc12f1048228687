"""Step SendWelcomeMail: the one mail that says the account is ready; in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.errors import NotYet, RetryableError, UsherError, VendorUnavailable
from usher.domain.events import OnboardingCompleted
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.mail import Mail, Mailer
from usher.ports.store import Absent, Both, ConditionFailed, Item, Present, Put
from usher.records.events import Commit, EventLog
from usher.records.mails import Mails, being_sent, claiming, having_failed
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, StepCommand, mark
from usher.usecases.step_batch import Outcome, in_order, of_signups

STEP = "send_welcome_mail"

Sent = dict[str, str | UsherError]  # by mail id: the vendor's message id, or why there is none yet


def send_welcome_mail(
    commands: Sequence[StepCommand],
    *,
    mailer: Mailer,
    mails: Mails,
    signups: Signups,
    log: EventLog,
    policy: OnboardingPolicy,
    clock: Clock,
    index_lag: timedelta,
) -> list[Outcome]:
    """Send each mail once: where an earlier try may have gone through, look for it before sending again.

    The commands are of different sign-ups; per command its outcome, NotYet while the vendor's search, which
    trails up to `index_lag` behind its sending, may still lag behind an earlier try.
    """
    found, outcomes = of_signups(commands, signups)
    post = _Post(mailer, mails, policy, clock, index_lag)
    sent = post.send_once([signup for _, signup in found if signup.welcome_message_id is None])
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


@dataclass(frozen=True, slots=True)
class _Post:
    """The outbox: a row per mail, written before it goes out."""

    mailer: Mailer
    mails: Mails
    policy: OnboardingPolicy
    clock: Clock
    index_lag: timedelta

    def send_once(self, signups: Sequence[Signup]) -> Sent:
        """Send what was certainly not sent yet, in one call; per mail id the message id or the error."""
        rows = {_mail_id(signup): signup for signup in signups}
        claimed = self.mails.claim_all([self._claim(signup) for signup in signups])
        sent: Sent = {}
        going: dict[str, Item | None] = {}  # mails to send now, each with its former row
        for mail_id, former in zip(rows, claimed, strict=True):
            if isinstance(former, UsherError):
                sent[mail_id] = former
            elif former is None:
                going[mail_id] = None
            else:
                self._sort(former, sent, going)
        answers = self.mailer.send_many([self._mail(rows[mail_id]) for mail_id in going])
        return sent | self._noted(going, dict(zip(going, answers, strict=True)))

    def _sort(self, former: Item, sent: Sent, going: dict[str, Item | None]) -> None:
        """Whether a mail that was tried before is sent, is to be sent again, or is to be waited for."""
        mail_id = str(former["mail_id"])
        try:
            message_id = self._look(former)
            if message_id is None:
                self.mails.trying(former, now=self.clock.now())
                going[mail_id] = former
            else:
                sent[mail_id] = message_id
        except UsherError as error:
            sent[mail_id] = error

    def _look(self, former: Item) -> str | None:
        """The message id of an earlier try, None when it may be sent (again). Raises NotYet."""
        if former["state"] == "sent":
            return str(former["message_id"])
        if former["state"] == "unsent":
            return None
        mail_id = str(former["mail_id"])
        message_id = self.mailer.find(mail_id)
        if message_id is not None:
            self.mails.sent(mail_id, message_id=message_id, now=self.clock.now())
        elif self.clock.now() - times.moment(str(former["tried_at"])) < self.index_lag:
            raise NotYet(
                "an earlier try may have sent this mail; its index is given time before sending again"
            )
        return message_id

    def _noted(self, going: Mapping[str, Item | None], answers: Sent) -> Sent:
        """The answers once they are on record; one that could not be noted is an error, to be looked for."""
        now = self.clock.now()
        notes = {}
        for mail_id, answer in answers.items():
            if isinstance(answer, str):
                notes[mail_id] = being_sent(mail_id, message_id=answer, now=now)
            elif isinstance(answer, VendorUnavailable):
                # Once a try may have gone through, a later one that certainly did not changes nothing of it.
                former = going[mail_id]
                unknown = answer.outcome_unknown or (former is not None and former["state"] != "unsent")
                notes[mail_id] = having_failed(mail_id, outcome_unknown=unknown, now=now)
        errors = zip(notes, self.mails.note_all(list(notes.values())), strict=True)
        return answers | {mail_id: error for mail_id, error in errors if isinstance(error, RetryableError)}

    def _claim(self, signup: Signup) -> Put:
        assert signup.account_id is not None  # RegisterSignup ran before
        return claiming(
            _mail_id(signup),
            template=self.policy.welcome_template,
            account_id=signup.account_id,
            now=self.clock.now(),
        )

    def _mail(self, signup: Signup) -> Mail:
        return Mail(
            mail_id=_mail_id(signup),
            to=signup.email,
            template=self.policy.welcome_template,
            stream=self.policy.welcome_stream,
            tag="welcome",
            model={
                "name": signup.name,
                "company": signup.company_name,
                "plan": signup.plan,
                "product_url": self.policy.product_url,
                "subdomain": signup.subdomain or "",
            },
            correlation_id=signup.correlation_id,
        )


def _mail_id(signup: Signup) -> str:
    return f"welcome/{signup.signup_id}"
