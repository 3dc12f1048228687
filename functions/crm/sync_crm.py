"""Step SyncCrm of statemachines/onboarding.asl.yaml, collected from the queue `crm`."""

from collections.abc import Sequence

from usher.bootstrap.collectors import collector
from usher.bootstrap.crm import services
from usher.usecases.step import StepCommand
from usher.usecases.step_batch import Outcome
from usher.usecases.sync_crm import sync_crm


@collector
def handler(commands: Sequence[StepCommand]) -> list[Outcome]:
    s = services()
    return sync_crm(commands, crm=s.crm, store=s.store, signups=s.signups, plans=s.plans, clock=s.clock)
