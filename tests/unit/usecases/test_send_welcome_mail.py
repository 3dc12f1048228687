"""Step SendWelcomeMail: one mail, whatever became of the answers of earlier tries (B6)."""

from dataclasses import dataclass, field

import pytest

from tests.fakes.steps import before, run
from tests.fakes.vendors import RecordingMailer
from tests.fakes.world import World
from usher.domain.errors import (
    PermanentError,
    RetryableError,
    StoreUnavailable,
    UsherError,
    VendorRejected,
    VendorUnavailable,
)
from usher.ports.mail import Mail
from usher.records.mails import Mails
from usher.records.signups import Signup

LOST = VendorUnavailable("timed out", outcome_unknown=True)
REFUSED = VendorUnavailable("answered 429")
CRASH = StoreUnavailable("nothing could be noted after the mail went out")
STEP = "send_welcome_mail"


@dataclass
class ChoosyMailer(RecordingMailer):
    """Refuses single mails while its search works."""

    refusals: list[UsherError] = field(default_factory=list)

    def send(self, mail: Mail) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        return super().send(mail)


@pytest.fixture
def signup(world: World) -> Signup:
    return before(world, STEP, world.given_signup())


def again(world: World, signup: Signup) -> None:
    with pytest.raises(RetryableError):
        run(world, STEP, signup)


def test_the_mail_goes_to_the_person_with_what_the_template_needs(world: World, signup: Signup) -> None:
    assert run(world, STEP, signup) == "ok"
    (mail,) = world.mailer.sent
    assert (mail.to, mail.template, mail.stream) == ("ada@example.com", "welcome", "outbound")
    assert mail.mail_id == f"welcome/{signup.signup_id}"
    assert mail.model["name"] == "Ada Lovelace"
    assert mail.model["company"] == "Analytical Engines"
    assert mail.model["subdomain"] == "analytical-engines"
    assert world.signups.get(signup.signup_id).welcome_message_id == "message-1"


def test_a_timeout_that_went_through_is_found_and_not_sent_again(world: World, signup: Signup) -> None:
    world.mailer.lost_answers.append(LOST)
    again(world, signup)
    assert run(world, STEP, signup, retry_count=1) == "ok"
    assert len(world.mailer.sent) == 1
    assert world.rows("mails")[0]["message_id"] == "message-1"


def test_while_the_index_lags_the_step_waits_instead_of_sending(world: World, signup: Signup) -> None:
    world.mailer.lost_answers.append(LOST)
    again(world, signup)
    world.mailer.index_lags = True
    world.clock.advance(9)
    again(world, signup)
    assert len(world.mailer.sent) == 1
    world.mailer.index_lags = False
    assert run(world, STEP, signup, retry_count=2) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_mail_that_the_search_never_shows_is_sent_after_the_lag(world: World, signup: Signup) -> None:
    world.mailer.errors.append(LOST)
    again(world, signup)
    again(world, signup)
    assert world.mailer.sent == []
    world.clock.advance(11)
    assert run(world, STEP, signup, retry_count=2) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_mail_that_was_certainly_not_sent_is_sent_without_a_search(world: World, signup: Signup) -> None:
    world.mailer.errors.append(REFUSED)
    again(world, signup)
    world.mailer.index_lags = True  # a search would find nothing and ask to wait
    assert run(world, STEP, signup, retry_count=1) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_mail_that_the_vendor_rejected_is_sent_at_once_by_who_tries_again(
    world: World, signup: Signup
) -> None:
    world.mailer.errors.append(VendorRejected("the template is gone", code="1101"))
    with pytest.raises(PermanentError):
        run(world, STEP, signup)
    world.mailer.index_lags = True  # a search would find nothing and ask to wait
    assert run(world, STEP, signup, retry_count=0) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_try_that_certainly_failed_does_not_make_an_earlier_unknown_one_certain(
    world: World, signup: Signup
) -> None:
    """Timed out but sent; sent again after the lag and refused; the third try looks before it sends."""
    mailer = world.mailer = ChoosyMailer()
    world.mailer.lost_answers.append(LOST)
    again(world, signup)
    world.mailer.index_lags = True
    world.clock.advance(11)
    mailer.refusals.append(REFUSED)
    again(world, signup)
    world.mailer.index_lags = False
    assert run(world, STEP, signup, retry_count=2) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_search_that_fails_is_never_read_as_not_sent(world: World, signup: Signup) -> None:
    world.mailer.lost_answers.append(LOST)
    again(world, signup)
    world.clock.advance(60)
    world.mailer.errors.append(VendorUnavailable("answered 500"))
    again(world, signup)
    assert len(world.mailer.sent) == 1
    assert run(world, STEP, signup, retry_count=2) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_crash_between_sending_and_noting_it_is_found_by_search(world: World, signup: Signup) -> None:
    world.store.fail("transact", skip=1)  # the first one claims the mail, the second one notes it
    again(world, signup)
    assert world.rows("mails")[0]["state"] == "sending"
    assert run(world, STEP, signup, retry_count=1) == "ok"
    assert len(world.mailer.sent) == 1


def test_a_crash_after_a_refusal_and_a_sending_is_found_by_search(world: World, signup: Signup) -> None:
    """That the first try certainly sent nothing says nothing about the second one."""
    world.mailer.errors.append(REFUSED)
    again(world, signup)
    world.mailer.lost_answers.append(CRASH)
    again(world, signup)
    assert run(world, STEP, signup, retry_count=2) == "ok"
    assert len(world.mailer.sent) == 1


def test_after_each_sending_the_index_is_given_its_time_anew(world: World, signup: Signup) -> None:
    """Two crashes: the first before the mail went out, the second, after the lag, behind it."""
    world.mailer.errors.append(CRASH)
    again(world, signup)
    world.clock.advance(11)
    world.mailer.lost_answers.append(CRASH)
    again(world, signup)
    world.mailer.index_lags = True
    world.clock.advance(9)
    again(world, signup)
    assert len(world.mailer.sent) == 1
    world.mailer.index_lags = False
    assert run(world, STEP, signup, retry_count=3) == "ok"
    assert len(world.mailer.sent) == 1


def test_of_two_tries_at_once_only_one_sends(world: World, signup: Signup) -> None:
    """The other one sees that the row moved on since it read it."""
    world.mailer.errors.append(REFUSED)
    again(world, signup)
    world.clock.advance(1)
    faster = Mails(world.store.inner)
    former = world.rows("mails")[0]
    world.store.meanwhile("write", lambda: faster.trying(former, now=world.clock.now()))
    again(world, signup)
    assert world.mailer.sent == []


def test_a_mail_that_was_sent_before_is_only_noted(world: World, signup: Signup) -> None:
    world.store.fail("transact", skip=2)
    again(world, signup)
    world.mailer.errors.append(VendorRejected("nobody should be asked"))
    assert run(world, STEP, signup, retry_count=1) == "ok"
    assert len(world.mailer.sent) == 1


def test_an_address_that_refuses_mail_is_permanent(world: World, signup: Signup) -> None:
    world.mailer.errors.append(VendorRejected("inactive recipient", code="406"))
    with pytest.raises(PermanentError):
        run(world, STEP, signup)
    assert world.mailer.sent == []
