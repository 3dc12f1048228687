"""Sign-ups that fail for good, and how that is filed."""

import json
from typing import Any

import pytest

from tests.fakes.steps import run, run_until
from tests.fakes.world import World
from usher.domain.errors import RetryableError, VendorUnavailable
from usher.records.failures import Failure, of_signup
from usher.records.signups import Signup
from usher.usecases.file_failed_execution import ExecutionEnded, file_failed_execution

ARN = "onboarding:signup-1"


def now(world: World, signup: Signup) -> Signup:
    return world.signups.get(signup.signup_id)


def row(world: World, signup: Signup) -> Failure:
    found = world.failures.find(of_signup(signup.signup_id))
    assert found is not None
    return found


def given_up(world: World, step: str, name: str = "ada") -> Signup:
    """An active sign-up whose CRM or mail step was tried until the workflow gave up."""
    signup = run_until(world, "activate_account", world.given_signup(name))
    vendor = {"sync_crm": world.crm, "send_welcome_mail": world.mailer}[step]
    vendor.errors.append(VendorUnavailable("answered 503"))
    with pytest.raises(RetryableError):
        run(world, step, signup, retry_count=5)
    return now(world, signup)


def ended(signup: Signup | None, **detail: Any) -> ExecutionEnded:
    given = None if signup is None else {"signup_id": signup.signup_id}
    return ExecutionEnded.model_validate(
        {
            "executionArn": ARN,
            "status": "FAILED",
            "stopDate": 1,
            "input": json.dumps(given),
            "error": "KeyError",
            **detail,
        }
    )


def file(world: World, event: ExecutionEnded) -> bool:
    return file_failed_execution(
        event, signups=world.signups, log=world.log, failures=world.failures, clock=world.clock
    )
