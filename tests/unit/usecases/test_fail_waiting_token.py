"""What a collector's queue gave up on: nobody waits for it in vain."""

import json
import time
from typing import Any

import pytest

from functions.operations.fail_waiting_token import handler
from infra.local.functions import Context
from tests.fakes.steps import before, messages, payload, run, run_until
from tests.fakes.world import World
from usher.domain.errors import PermanentError, VendorRejected


def give_up(world: World, step: str, item: dict[str, Any], token: str) -> dict[str, Any]:
    event = messages(step, (item, token))
    for record in event["Records"]:
        record["eventSource"] = "aws:sqs"
    context = Context("fail-waiting-token", 512, "arn", "request", deadline=time.monotonic() + 30)
    answer: dict[str, Any] = handler(event, context)
    return answer


def test_who_waits_is_told_and_the_record_says_why(world: World) -> None:
    signup = before(world, "sync_crm", world.given_signup())
    assert give_up(world, "sync_crm", payload(world, signup), "t") == {"batchItemFailures": []}
    error, cause = world.workflows.told["t"]
    assert (error, cause.startswith("sync_crm: GivenUp")) == ("PermanentError", True)
    mark = world.signups.get(signup.signup_id).steps["sync_crm"]
    assert mark["status"] == "failed" and mark["error"].startswith("GivenUp")


def test_a_step_that_is_done_all_the_same_is_told_so(world: World) -> None:
    signup = run_until(world, "sync_crm", world.given_signup())
    give_up(world, "sync_crm", payload(world, signup), "t")
    assert world.workflows.told["t"] == {"outcome": "ok"}
    assert world.signups.get(signup.signup_id).steps["sync_crm"]["status"] == "done"


def test_nobody_waiting_is_no_failure(world: World) -> None:
    signup = before(world, "sync_crm", world.given_signup())
    world.workflows.nobody_waits.add("t")
    assert give_up(world, "sync_crm", payload(world, signup), "t") == {"batchItemFailures": []}


def test_a_sign_up_without_a_record_is_told_to_the_execution_alone(world: World) -> None:
    stranger = world.given_signup().model_copy(update={"signup_id": "su_" + "a" * 26})
    give_up(world, "sync_crm", payload(world, stranger), "t")
    assert world.workflows.told["t"][0] == "PermanentError"
    assert len(world.rows("signups")) == 1


def test_an_answer_that_does_not_come_through_is_given_again(world: World) -> None:
    signup = before(world, "sync_crm", world.given_signup())
    world.workflows.outages = 1
    assert give_up(world, "sync_crm", payload(world, signup), "t")["batchItemFailures"]
    assert json.dumps(give_up(world, "sync_crm", payload(world, signup), "t")) == '{"batchItemFailures": []}'
    assert world.workflows.told["t"][0] == "PermanentError"


def test_a_step_that_was_refused_keeps_the_reason_it_had(world: World) -> None:
    """Its answer came through; only its message was delivered on and on, as after many crashes."""
    signup = before(world, "sync_crm", world.given_signup())
    world.crm.errors.append(VendorRejected("refused", code="x", status=400))
    with pytest.raises(PermanentError):
        run(world, "sync_crm", signup)
    give_up(world, "sync_crm", payload(world, signup), "t")
    assert world.signups.get(signup.signup_id).steps["sync_crm"]["error"] == "VendorRejected: refused"
