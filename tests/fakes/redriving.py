"""Redrives as the route and the schedule do them, and sign-ups that have come to need one."""

from typing import Any

from tests.fakes.failing import ended, file, given_up, now
from tests.fakes.steps import run, run_until
from tests.fakes.world import World
from usher.domain.access import Caller
from usher.records.failures import Failures, of_signup
from usher.records.link_onboardings import LinkOnboardings
from usher.records.reconciliations import Reconciliations
from usher.records.signups import Signup
from usher.usecases.link_reopening import LinkReopening
from usher.usecases.mend_failures import mend_failures
from usher.usecases.redrive_failure import redrive_failure
from usher.usecases.redriving import Order, Redriving
from usher.usecases.settle_redrive import settle_redrive

BY_ADA = Order("the bug is fixed", Caller("ada", "support"))
MINUTE = 60


def deps(world: World) -> Redriving:
    return Redriving(
        Failures(world.store),
        world.signups,
        world.inbox,
        Reconciliations(world.store),
        LinkReopening(LinkOnboardings(world.store), world.accounts, world.records),
        world.workflows,
        world.queue,
        world.clock,
    )


def redrive(world: World, signup: Signup, order: Order = BY_ADA) -> Any:
    return redrive_failure(of_signup(signup.signup_id), order, deps(world))


def mend(world: World) -> int:
    return mend_failures(s=deps(world), log=world.log, policy=world.policy)


def settle(world: World, signup: Signup) -> bool:
    return settle_redrive(ended(signup, status="SUCCEEDED"), s=deps(world), log=world.log)


def execution(world: World, signup: Signup, status: Any = None, *, number: int = 0) -> str:
    """The sign-up's execution, started; with a status it ended now."""
    name = f"signup-{signup.signup_id}" + (f"-r{number}" if number else "")
    world.workflows.start("onboarding", name=name, input={})
    if status is not None:
        world.workflows.ended[name] = (status, world.clock.now())
    return world.workflows.execution_id("onboarding", name)


def broken(world: World) -> Signup:
    """A sign-up whose execution broke at the identity, and was filed."""
    signup = run_until(world, "create_subscription", world.given_signup())
    id = execution(world, signup, "FAILED")
    stopped = int(world.clock.now().timestamp() * 1000)
    assert file(world, ended(signup, executionArn=id, stopDate=stopped))
    return now(world, signup)


def degraded(world: World, name: str = "ada") -> Signup:
    """A customer whom the CRM does not know; the execution went on and ended well."""
    signup = given_up(world, "sync_crm", name)
    run(world, "mark_degraded", signup, step="sync_crm")
    run(world, "send_welcome_mail", signup)
    execution(world, signup, "SUCCEEDED")
    return now(world, signup)


def rolled_back(world: World) -> Signup:
    signup = run_until(world, "issue_api_key", world.given_signup())
    execution(world, signup, "SUCCEEDED")
    verdict = {"status": "rolled_back", "step": "activate_account", "reason": "refused"}
    world.signups.change(signup.signup_id, {"verdict": verdict})
    assert run(world, "close_signup", signup) == "ok"
    return now(world, signup)
