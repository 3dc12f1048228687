"""What asking somebody and taking the answer needs, the same in every room that does so."""

from usher.bootstrap.policies import onboarding, plans
from usher.ports.platform import Platform
from usher.records.events import EventLog
from usher.records.signups import Signups
from usher.records.waits import Waits
from usher.usecases.answer_wait import Asker


def asker(platform: Platform) -> Asker:
    """The asker of this platform."""
    return Asker(
        waits=Waits(platform.store),
        signups=Signups(platform.store),
        log=EventLog(platform.store),
        workflows=platform.workflows,
        plans=plans(),
        policy=onboarding(),
        clock=platform.clock,
    )
