"""An answer to a wait of a sign-up: it is stored first, then the record moves on, then the workflow hears."""

from usher.domain.gates import WaitKind
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Present, Write
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
        is_ours = given.row["answer"] == answer  # also when an earlier try stored it and got no further
        result, moved = self._take(signup, kind, given.row["answer"], also if is_ours else ())
        if moved and given.stands:  # somebody else, who found the answer, took the record on
            self.signups.write(also)
        if given.token is not None:
            self.workflows.succeed(given.token, result.model_dump(mode="json"))
        return given

    def take(
        self, signup: Signup, kind: WaitKind, answer: Item, *, also: tuple[Write, ...] = ()
    ) -> StepResult:
        """Bring the record where an answer that stands leads; returns what the workflow is told."""
        return self._take(signup, kind, answer, also)[0]

    def _take(
        self, signup: Signup, kind: WaitKind, answer: Item, also: tuple[Write, ...]
    ) -> tuple[StepResult, bool]:
        """As `take`; and whether the record had moved on already, so that nothing was written."""
        now = self.clock.now()
        values, result = gates.answered(signup, kind, answer, plans=self.plans, policy=self.policy, now=now)
        waits = (signup.waiting or {}).get("kind") == kind
        if signup.verdict is not None or (kind in signup.gates_passed and not waits):
            return result, True
        assert signup.account_id is not None  # whoever waits is registered
        end = finished(signup, f"ask_{kind}", now=now)
        # On the wait that was read: a second bell that comes late must not set back who has gone on since.
        as_read = Equals("waiting", signup.waiting) if signup.waiting else Absent("waiting")
        progress = self.signups.changing(
            signup.signup_id,
            {**values, **end},
            remove=gates.cleared(values),
            if_=Both((Present("signup_id"), Absent("verdict"), as_read)),
        )
        try:
            self.log.commit(
                signup.account_id,
                gates.told(signup.signup_id, values),
                [progress, *also],
                correlation_id=signup.correlation_id,
                now=now,
            )
        except ConditionFailed as error:
            if 0 not in error.failed:
                raise
            return result, True
        return result, False
