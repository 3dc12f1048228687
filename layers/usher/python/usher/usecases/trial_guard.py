"""The trial guard: whoever had a trial is known by e-mail and card; policy says what then."""

from dataclasses import dataclass

from usher.domain import trials
from usher.domain.billing_events import TrialRepeated
from usher.domain.trials import TrialPolicy
from usher.records.signups import Signup
from usher.records.trial_claims import TrialClaims


@dataclass(frozen=True, slots=True)
class TrialGuard:
    """Asked before a trial begins, and for no other sign-up."""

    claims: TrialClaims
    policy: TrialPolicy

    def check(self, signup: Signup) -> TrialRepeated | None:
        """Claim the trial for this sign-up; the event to tell when its person had one before."""
        keys = {"email": trials.email_key(signup.email)}
        if signup.trial_card is not None:
            keys["card"] = signup.trial_card
        flags = self.policy.repeat == "flag"
        had = self.claims.claim(signup.signup_id, keys, even_if_had=flags)
        if not had:
            return None
        return TrialRepeated(
            signup_id=signup.signup_id,
            known_by=had,
            outcome="flagged" if flags else "refused",
            reason=f"the same {' and '.join(had)} had a trial before",
        )
