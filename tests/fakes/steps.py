"""The steps of the onboarding workflow as handlers over a world's fakes, and that workflow's happy path."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from tests.fakes.world import World
from usher.bootstrap.collectors import Run, collector
from usher.bootstrap.steps import step
from usher.domain.errors import PermanentError, RetryableError
from usher.records.signups import Signup
from usher.usecases.activate_account import activate_account
from usher.usecases.begin_rollback import begin_rollback
from usher.usecases.close_signup import close_signup
from usher.usecases.create_billing_customer import create_billing_customer
from usher.usecases.create_identity import create_identity
from usher.usecases.create_subscription import create_subscription
from usher.usecases.issue_api_key import issue_api_key
from usher.usecases.mark_degraded import MarkDegraded, mark_degraded
from usher.usecases.post import Post
from usher.usecases.provision_tenant import provision_tenant
from usher.usecases.register_signup import register_signup
from usher.usecases.send_welcome_mail import send_welcome_mail
from usher.usecases.step import StepCommand, StepResult
from usher.usecases.sync_crm import sync_crm

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
C = TypeVar("C", bound=StepCommand)
WIRE = {"RetryableError": RetryableError, "PermanentError": PermanentError}

ORDER = (
    "register_signup",
    "create_billing_customer",
    "create_subscription",
    "create_identity",
    "provision_tenant",
    "issue_api_key",
    "activate_account",
    "sync_crm",
    "send_welcome_mail",
)


def as_step(name: str, run: Callable[[C], StepResult], command: type[C] = StepCommand) -> Handler:  # type: ignore[assignment]  # C has no default
    """`run` as the function file `functions/<room>/<name>.py` would wrap it."""
    run.__module__ = f"functions.room.{name}"
    return step(command)(run)


def as_collected(w: World, name: str, collect: Run) -> Handler:
    """The collector `functions/<room>/<name>.py` as a step: its answer, or the error it was told."""
    collect.__module__ = f"functions.room.{name}"
    handler = collector(collect)

    def run(event: dict[str, Any], context: Any) -> dict[str, Any]:
        token = f"token-{len(w.workflows.told)}"
        answer = handler(messages(name, (event, token)), context)
        assert answer == {"batchItemFailures": []}
        told = w.workflows.told[token]
        if isinstance(told, dict):
            return told
        error, cause = told
        raise WIRE[error](cause)

    return run


def messages(step: str, *items: tuple[dict[str, Any], str]) -> dict[str, Any]:
    """What SQS hands a collector: of each step's payload and token one message."""
    bodies = [{**payload, "step": step, "task_token": token} for payload, token in items]
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(b)} for n, b in enumerate(bodies)]}


def handlers(w: World) -> dict[str, Handler]:
    """Every step by its function's name."""
    billing: dict[str, Any] = {
        "billing": w.billing,
        "signups": w.signups,
        "plans": w.plans,
        "clock": w.clock,
    }
    product: dict[str, Any] = {"provisioner": w.provisioner, "signups": w.signups, "clock": w.clock}
    own: dict[str, Any] = {"signups": w.signups, "log": w.log, "clock": w.clock}
    filed: dict[str, Any] = own | {"failures": w.failures, "policy": w.policy}
    post = Post(w.mailer, w.mails, w.clock, index_lag=timedelta(seconds=10))
    mail: dict[str, Any] = own | {"post": post, "policy": w.policy}
    crm: dict[str, Any] = {
        "crm": w.crm,
        "store": w.store,
        "signups": w.signups,
        "plans": w.plans,
        "clock": w.clock,
    }
    runs: dict[str, Callable[[StepCommand], StepResult]] = {
        "register_signup": lambda c: register_signup(
            c, invitations=w.invitations, plans=w.plans, policy=w.policy, **own
        ),
        "create_billing_customer": lambda c: create_billing_customer(c, store=w.store, **billing),
        "create_subscription": lambda c: create_subscription(
            c, records=w.records, unbilled=w.unbilled, guard=w.guard, policy=w.policy, **billing
        ),
        "create_identity": lambda c: create_identity(c, **product),
        "provision_tenant": lambda c: provision_tenant(c, plans=w.plans, **product),
        "issue_api_key": lambda c: issue_api_key(c, plans=w.plans, **product),
        "activate_account": lambda c: activate_account(c, **own),
        "begin_rollback": lambda c: begin_rollback(c, signups=w.signups, clock=w.clock),
        "close_signup": lambda c: close_signup(c, failures=w.failures, **own),
    }
    made = {name: as_step(name, run) for name, run in runs.items()}
    made["sync_crm"] = as_collected(w, "sync_crm", lambda c: sync_crm(c, **crm))
    made["send_welcome_mail"] = as_collected(w, "send_welcome_mail", lambda c: send_welcome_mail(c, **mail))
    made["mark_degraded"] = as_step("mark_degraded", lambda c: mark_degraded(c, **filed), MarkDegraded)
    return made


def payload(w: World, signup: Signup, *, retry_count: int = 0, **more: Any) -> dict[str, Any]:
    """What the workflow hands to a step."""
    return {
        "signup_id": signup.signup_id,
        "correlation_id": signup.correlation_id,
        "retry_count": retry_count,
        "entered_at": w.clock.now().isoformat(),
        **more,
    }


def run(w: World, name: str, signup: Signup, *, retry_count: int = 0, **more: Any) -> str:
    """Run one step once; returns its outcome."""
    answer = handlers(w)[name](payload(w, signup, retry_count=retry_count, **more), None)
    return str(answer["outcome"])


def run_until(w: World, last: str, signup: Signup) -> Signup:
    """Run the steps up to and including `last`, each of which must succeed; returns the record then."""
    for name in ORDER[: ORDER.index(last) + 1]:
        assert run(w, name, signup) == "ok", name
    return w.signups.get(signup.signup_id)


def before(w: World, name: str, signup: Signup) -> Signup:
    """Run the steps before `name`; returns the record then."""
    position = ORDER.index(name)
    return run_until(w, ORDER[position - 1], signup) if position else signup


def step_of(world: World, signup: Signup, name: str) -> dict[str, Any]:
    """What the record says of a step."""
    return world.signups.get(signup.signup_id).steps[name]


def account_of(world: World, signup: Signup) -> str:
    """The id of the sign-up's account, once it has one."""
    return str(world.signups.get(signup.signup_id).account_id)
