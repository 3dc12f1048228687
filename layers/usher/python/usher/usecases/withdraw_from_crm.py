"""Step WithdrawFromCrm: the CRM hears that a customer it knows of has come to nothing."""

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.crm import CrmWithdrawal
from usher.records.signups import Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark
from usher.usecases.sync_crm import STEP as SYNC
from usher.usecases.sync_crm import profile_of

STEP = "withdraw_from_crm"


def withdraw_from_crm(
    command: StepCommand, *, withdrawal: CrmWithdrawal, signups: Signups, plans: PlanCatalog, clock: Clock
) -> StepResult:
    """Say so on what the CRM has; who never came to the CRM is not brought there now.

    A try to bring it there that failed half-way may have made some of the records: that it was begun is
    enough to look. The lifecycle stage stays: only a person moves it back (DESIGN.md section 5).
    """
    signup = signups.get(command.signup_id)
    if SYNC in signup.steps:
        profile = profile_of(signup, plans).model_copy(update={"subscription_status": "rolled_back"})
        withdrawal.withdraw(profile, correlation_id=signup.correlation_id)
    signups.change(signup.signup_id, mark(command, STEP, clock.now()))
    return OK
