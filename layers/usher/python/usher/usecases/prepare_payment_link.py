"""Step PreparePaymentLink: the team in the product, and the link to pay at; also when the API died before.

Row B9 of docs/product.md.
"""

from dataclasses import dataclass

from usher.domain import times
from usher.domain.errors import KeySpent, PermanentError
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.links import LinkSnapshot, PaymentLinks
from usher.ports.store import Absent, Both, ConditionFailed, Present
from usher.ports.teams import Teams
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding
from usher.usecases.create_billing_customer import key_may_have_expired, use_next_key
from usher.usecases.step import OK, STOP, StepCommand, StepResult, WaitTimes, mark

STEP = "prepare_payment_link"


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """What making a link needs."""

    teams: Teams
    links: PaymentLinks
    onboardings: LinkOnboardings
    policy: OnboardingPolicy
    clock: Clock

    def make(self, link: LinkOnboarding) -> LinkOnboarding:
        """Team and link, each once, however often it is done; returns the record with both."""
        if link.link_id is not None:
            return link
        link = self._with_team(link)
        made = self._link(link)
        waiting = {
            "kind": "payment",
            "since": times.text(self.clock.now()),
            "deadline": link.deadline,
            "reasons": [f"{link.offer.title} is sold by a payment link"],
        }
        values = {"link_id": made.link_id, "checkout_url": made.url, "waiting": waiting}
        fresh = Both((Present("signup_id"), Absent("link_id"), Absent("verdict")))
        try:
            self.onboardings.change(link.signup_id, {**values, "status": "waiting_payment"}, if_=fresh)
        except ConditionFailed:
            self._leave(
                made, link
            )  # another try was faster, with the same link; or it was cancelled meanwhile
        return self.onboardings.link(link.signup_id)

    def _with_team(self, link: LinkOnboarding) -> LinkOnboarding:
        """The record once the account has its team: the one that was found, or a new one."""
        assert link.account_id is not None and link.phone is not None
        if link.team_id is not None:
            self.teams.link_team(
                team_id=link.team_id, account_id=link.account_id, correlation_id=link.correlation_id
            )
            return link
        if link.former and self._others(link):
            raise PermanentError("this phone has a team by now: sell to that one with POST /v1/onboardings")
        team = self.teams.put_team(
            account_id=link.account_id,
            phone=link.phone,
            name=link.name or link.phone,
            correlation_id=link.correlation_id,
        )
        values = {"team": "created", "team_id": team.team_id, "team_name": team.name}
        self.onboardings.change(link.signup_id, values)
        return self.onboardings.link(link.signup_id)

    def _others(self, link: LinkOnboarding) -> bool:
        """Whether somebody made this phone a team since the one of a former attempt went away."""
        found = self.teams.find_teams(link.phone or "", correlation_id=link.correlation_id)
        return any(team.account_id != link.account_id for team in found)

    def _link(self, link: LinkOnboarding) -> LinkSnapshot:
        if key_may_have_expired(link, self.clock) and (found := self.links.find(link.signup_id)):
            return found
        try:
            return self.links.create(
                link.offer,
                metadata=metadata(link),
                description=f"Team {link.team_name}, contact {contact(link)}: {link.offer.title}",
                note=f"For the team {link.team_name} ({contact(link)}).",
                idempotency_key=f"signup/{link.signup_id}/payment-link/{link.attempt}",
            )
        except KeySpent:
            if found := self.links.find(link.signup_id):
                return found
            use_next_key(link, self.onboardings)
            raise

    def _leave(self, made: LinkSnapshot, link: LinkOnboarding) -> None:
        """Nobody may pay at a link that the record will not name."""
        if self.onboardings.link(link.signup_id).link_id != made.link_id:
            self.links.close(made.link_id)


def prepare_payment_link(command: StepCommand, *, maker: LinkMaker) -> StepResult:
    """Make what is not made yet, and answer how long the payment is waited for; stop when cancelled.

    Who is active lacks a mail at most: nothing else is looked at.
    """
    link = maker.onboardings.link(command.signup_id)
    if link.verdict is not None:
        return STOP
    if "activated" in link.stages:
        return OK
    link = maker.make(link)
    now = maker.clock.now()
    maker.onboardings.change(link.signup_id, mark(command, STEP, now))
    return StepResult(outcome="pay", wait=waiting(link, maker))


def waiting(link: LinkOnboarding, maker: LinkMaker) -> WaitTimes:
    """How long this link's payment is waited for, from now."""
    now = maker.clock.now()
    remind, rest = maker.policy.payment_link.waiting(times.moment(link.deadline), now)
    return WaitTimes(remind_seconds=remind, rest_seconds=rest)


def metadata(link: LinkOnboarding) -> dict[str, str]:
    """What everything that a link makes says of whose it is and what it is for."""
    offer = link.offer
    sold = {"plan": offer.plan} if offer.plan else {"credits": str(offer.credits)}
    return {
        "account_id": link.account_id or "",
        "signup_id": link.signup_id,
        "correlation_id": link.correlation_id,
        "phone": link.phone or "",
        "team_id": link.team_id or "",
        **sold,
    }


def contact(link: LinkOnboarding) -> str:
    """Whom to ask for, as customer success writes it on a link."""
    return ", ".join(part for part in (link.name, link.phone) if part)
