"""Rule trial-ending: the customer of a trial whose end is near gets a mail."""

from usher.bootstrap.accounts import services
from usher.bootstrap.notices import rule_target
from usher.usecases.announce_trial_end import TrialEnding, announce_trial_end


@rule_target(TrialEnding)
def handler(ending: TrialEnding) -> bool:
    s = services()
    return announce_trial_end(ending, accounts=s.accounts, queue=s.queue)
