"""A payment link that was rolled back is sold again, by a new link, unless somebody sold it meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from usher.domain.entitlements import HELD
from usher.domain.errors import Conflict
from usher.domain.onboarding import REOPENABLE
from usher.ports.store import Write
from usher.records.accounts import Account, Accounts, reopening
from usher.records.billing import SUBSCRIPTIONS, BillingRecords
from usher.records.link_onboardings import LinkOnboardings, claim_key, claiming, team_key
from usher.records.reopening import relinking
from usher.records.signups import LinkOnboarding


class SoldAnew(Conflict):
    """Another onboarding sells this by now: there is nothing left to do for the one that was rolled back."""


@dataclass(frozen=True, slots=True)
class LinkReopening:
    """What selling again needs."""

    onboardings: LinkOnboardings
    accounts: Accounts
    records: BillingRecords

    def writes(self, link: LinkOnboarding, *, now: datetime) -> list[Write]:
        """The writes that let it begin anew: record, claim, and its account and team when these went with it.

        Raises SoldAnew naming the other onboarding, Conflict when the account pays for a plan by now.
        """
        assert link.account_id is not None
        account = self.accounts.find(link.account_id)
        self._refuse_second_subscription(link, account)
        claim = link.claim or claim_key(link.phone or "", link.offer, None)
        writes: list[Write] = [relinking(link, account, now=now), self._taking(claim, link)]
        if account is not None and account.status == "closed":
            writes += [reopening(link.account_id), self._taking(team_key(link.phone or ""), link)]
        return writes

    def _taking(self, claim: str, link: LinkOnboarding) -> Write:
        """The write that takes a claim back from one that came to nothing as well."""
        holder = self.onboardings.holder(claim)
        if holder is not None and holder.signup_id != link.signup_id and holder.status not in REOPENABLE:
            raise SoldAnew(
                f"this phone was sold to anew, as {holder.signup_id}, which is {holder.status}: "
                "what it lacks is sold with POST /v1/onboardings"
            )
        return claiming(claim, link.signup_id, after=holder.signup_id if holder else None)

    def _refuse_second_subscription(self, link: LinkOnboarding, account: Account | None) -> None:
        if link.offer.plan is None or account is None or account.subscription_id is None:
            return
        key = (SUBSCRIPTIONS, account.subscription_id)
        row = self.records.known({key})[key]
        if row is not None and row["status"] in HELD:
            raise SoldAnew(f"{account.account_id} has a running subscription: change its plan instead")
