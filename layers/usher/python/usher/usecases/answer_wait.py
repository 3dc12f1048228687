"""An answer to a wait of a sign-up: it is stored first, then the record moves on, then the workflow hears."""

from usher.domain.gates import WaitKind
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import Item, Write
from usher.ports.workflows import Workflows
from usher.records.events import EventLog
from usher.records.signups import Signup, Signups, finished
from usher.records.waits import Answered, Waits
from usher.usecases import gates
from usher.usecases.step import StepResult


class Asker:
    """What asking and answering share: the waits, the master record, the log and the workflows."""

    def __init__(
        self,
        *,
        waits: Waits,
        signups: Signups,
        log: EventLog,
        workflows: Workflows,
        plans: PlanCatalog,
        policy: OnboardingPolicy,
        clock: Clock,
    ) -> None:
        self.waits = waits
        self.signups = signups
        self.log = log
        self.workflows = workflows
        self.plans = plans
        self.policy = policy
        self.clock = clock

    def answer(
        self, signup: Signup, kind: WaitKind, answer: Item, *, also: tuple[Write, ...] = ()
    ) -> Answered:
        """Store the answer, move the record on and ring the workflow; `also` is written with the record.

        The first answer stands. Answering again only rings again, in case the bell was lost.
        """
        given = self.waits.answer(signup.wait_id(kind), answer, now=self.clock.now())
        if given.row.get("state") == "closed":
            return given
        result = self.take(signup, kind, given.row["answer"], also=also if given.stands else ())
        if given.token is not None:
            self.workflows.succeed(given.token, result.model_dump(mode="json"))
        return given

    def take(
        self, signup: Signup, kind: WaitKind, answer: Item, *, also: tuple[Write, ...] = ()
    ) -> StepResult:
        """Bring the record where an answer that stands leads; returns what the workflow is told."""
        now = self.clock.now()
        values, result = gates.answered(signup, kind, answer, plans=self.plans, policy=self.policy, now=now)
        waits = (signup.waiting or {}).get("kind") == kind
        if signup.verdict is not None or (kind in signup.gates_passed and not waits):
            self.signups.write(also)  # an earlier run, or the workflow itself, moved the record on
            return result
        assert signup.account_id is not None  # whoever waits is registered
        end = finished(signup, f"ask_{kind}", now=now)
        self.log.commit(
            signup.account_id,
            gates.told(signup.signup_id, values),
            [
                self.signups.changing(signup.signup_id, {**values, **end}, remove=gates.cleared(values)),
                *also,
            ],
            correlation_id=signup.correlation_id,
            now=now,
        )
        return result
