"""What every Workflows promises: Step Functions (through moto) and the local engine answer alike."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session

from infra.local.database import Database
from infra.local.engine import Engine
from infra.local.manual_clock import ManualClock
from infra.local.workflows import LocalWorkflows
from infra.state_machine_file import load
from tests.contract.aws import REGION
from tests.contract.aws_messaging import answering_error, unreachable
from usher.adapters.stepfunctions_workflows import StepFunctionsWorkflows
from usher.domain.errors import Conflict, InvalidCommand, NotFound, StoreUnavailable
from usher.ports.workflows import Workflows
from usher.settings import Settings

WAITS = {
    "QueryLanguage": "JSONata",
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}},
}
SETTINGS = Settings(workflows={"payment_link": "arn:aws:states:us-east-1:1:stateMachine:usher-link"})
ROLE = "arn:aws:iam::123456789012:role/service-role/usher"

_numbers = itertools.count()


class Nothing:
    """Integrations of workflows that call nobody."""

    invoke = send_message = put_events = None


@pytest.fixture
def local_workflows(database: Database, tmp_path: Path) -> Iterator[Workflows]:
    path = tmp_path / "payment_link.asl.json"
    path.write_text(json.dumps(WAITS))
    engine = Engine(database, ManualClock(), Nothing(), workers=1)
    engine.register("payment_link", load(path))
    engine.start()
    yield LocalWorkflows(engine)
    engine.stop()


def on_aws(client: Any) -> Workflows:
    name = f"usher-{next(_numbers)}"
    made = client.create_state_machine(name=name, definition=json.dumps(WAITS), roleArn=ROLE)
    arns = {"payment_link": made["stateMachineArn"]}
    return StepFunctionsWorkflows(client, Settings(region=REGION, workflows=arns))


@pytest.fixture(params=["local", "stepfunctions"])
def workflows(request: pytest.FixtureRequest) -> Iterator[Workflows]:
    if request.param == "local":
        yield request.getfixturevalue("local_workflows")
        return
    client = request.getfixturevalue("aws").client("stepfunctions")
    yield on_aws(client)
    client.close()


def test_a_started_execution_can_be_described(workflows: Workflows) -> None:
    id = workflows.start("payment_link", name="link-1", input={"id": "pl_1"})
    found = workflows.describe(id)
    assert found is not None
    assert (found.id, found.name, found.workflow) == (id, "link-1", "payment_link")
    assert (found.status, found.error, found.cause) == ("RUNNING", None, None)
    assert found.started_at.tzinfo is not None and found.stopped_at is None


def test_an_executions_id_is_known_before_it_exists(workflows: Workflows) -> None:
    foretold = workflows.execution_id("payment_link", "link-1")
    assert workflows.describe(foretold) is None
    assert workflows.start("payment_link", name="link-1", input={}) == foretold


@pytest.mark.parametrize("again", [{"id": "pl_1"}, {"id": "pl_2"}])
def test_a_name_that_was_used_is_already_done(workflows: Workflows, again: dict[str, str]) -> None:
    first = workflows.start("payment_link", name="link-1", input={"id": "pl_1"})
    assert workflows.start("payment_link", name="link-1", input=again) == first


@pytest.mark.parametrize("name", ["x" * 81, "a b", "a*b", 'a"b'])
def test_a_name_that_cannot_be_one_is_refused(workflows: Workflows, name: str) -> None:
    with pytest.raises(InvalidCommand):
        workflows.start("payment_link", name=name, input={})


def test_a_redrive_of_what_is_not_there_says_so(local_workflows: Workflows) -> None:
    with pytest.raises(NotFound):
        local_workflows.redrive(local_workflows.execution_id("payment_link", "nobody"))


def test_a_redrive_of_what_has_not_failed_is_a_conflict(local_workflows: Workflows) -> None:
    id = local_workflows.start("payment_link", name="link-1", input={})
    with pytest.raises(Conflict):
        local_workflows.redrive(id)


def test_nobody_waits_for_a_token_that_was_never_given(local_workflows: Workflows) -> None:
    assert local_workflows.succeed("no-such-token", {}) is False
    assert local_workflows.fail("no-such-token", error="E", cause="c") is False


def test_an_unknown_workflow_names_the_catalog(local_workflows: Workflows) -> None:
    with pytest.raises(NotFound, match="catalog"):
        local_workflows.start("nobody", name="x", input={})


# moto has no redrive and gives no tokens without its interpreter: these pin what AWS's error names mean.


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("ExecutionNotRedrivable", Conflict),
        ("ExecutionDoesNotExist", NotFound),
        ("ThrottlingException", StoreUnavailable),
    ],
)
def test_what_step_functions_says_to_a_redrive(aws: Session, code: str, meaning: type[Exception]) -> None:
    with (
        answering_error(aws, "stepfunctions", "redrive_execution", code) as client,
        pytest.raises(meaning),
    ):
        StepFunctionsWorkflows(client, SETTINGS).redrive("arn:x")


@pytest.mark.parametrize("code", ["TaskDoesNotExist", "TaskTimedOut", "InvalidToken"])
def test_a_token_step_functions_does_not_wait_for_is_no_error(aws: Session, code: str) -> None:
    with answering_error(aws, "stepfunctions", "send_task_success", code) as client:
        assert StepFunctionsWorkflows(client, SETTINGS).succeed("token", {}) is False
    with answering_error(aws, "stepfunctions", "send_task_failure", code) as client:
        assert StepFunctionsWorkflows(client, SETTINGS).fail("token", error="E", cause="c") is False


def test_too_many_open_executions_are_an_outage(aws: Session) -> None:
    with (
        answering_error(aws, "stepfunctions", "start_execution", "ExecutionLimitExceeded") as client,
        pytest.raises(StoreUnavailable),
    ):
        StepFunctionsWorkflows(client, SETTINGS).start("payment_link", name="link-1", input={})


def test_the_id_of_an_execution_started_by_an_alias_names_no_alias(aws: Session) -> None:
    arn = "arn:aws:states:eu-west-1:1:stateMachine:usher-link:live"
    with unreachable(aws, "stepfunctions") as client:
        workflows = StepFunctionsWorkflows(client, Settings(workflows={"payment_link": arn}))
        expected = "arn:aws:states:eu-west-1:1:execution:usher-link:link-1"
        assert workflows.execution_id("payment_link", "link-1") == expected


def test_a_step_functions_that_cannot_be_reached_is_an_outage(aws: Session) -> None:
    with (
        unreachable(aws, "stepfunctions") as client,
        pytest.raises(StoreUnavailable, match="Step Functions cannot be reached"),
    ):
        StepFunctionsWorkflows(client, SETTINGS).start("payment_link", name="link-1", input={})
