"""The workflows port on Step Functions."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from usher.adapters.aws_errors import outages
from usher.domain.errors import Conflict, InvalidCommand, NotFound
from usher.ports.workflows import Execution
from usher.settings import Settings, physical

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsWorkflows:
    """Implements usher.ports.workflows.Workflows; the settings hold ARNs of aliases or state machines."""

    def __init__(self, client: "SFNClient", settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def start(self, workflow: str, *, name: str, input: Mapping[str, Any]) -> str:
        arn = physical(self._settings, "workflows", workflow)
        text = json.dumps(dict(input), separators=(",", ":"))
        failures = self._client.exceptions
        try:
            with outages("Step Functions"):
                answer = self._client.start_execution(stateMachineArn=arn, name=name, input=text)
        except failures.ExecutionAlreadyExists:
            return self.execution_id(workflow, name)
        except (failures.InvalidName, failures.InvalidExecutionInput, failures.ValidationException) as error:
            raise InvalidCommand(str(error)) from error
        return answer["executionArn"]

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        failures = self._client.exceptions
        try:
            with outages("Step Functions"):
                self._client.send_task_success(taskToken=token, output=json.dumps(dict(output)))
        except (failures.TaskDoesNotExist, failures.TaskTimedOut, failures.InvalidToken):
            return False
        except failures.InvalidOutput as error:
            raise InvalidCommand(str(error)) from error
        return True

    def fail(self, token: str, *, error: str, cause: str) -> bool:
        failures = self._client.exceptions
        try:
            with outages("Step Functions"):
                self._client.send_task_failure(taskToken=token, error=error, cause=cause)
        except (failures.TaskDoesNotExist, failures.TaskTimedOut, failures.InvalidToken):
            return False
        return True

    def describe(self, execution_id: str) -> Execution | None:
        failures = self._client.exceptions
        try:
            with outages("Step Functions"):
                found = self._client.describe_execution(executionArn=execution_id)
        except (failures.ExecutionDoesNotExist, failures.InvalidArn):
            return None
        return Execution(
            id=found["executionArn"],
            name=found["name"],
            workflow=self._workflow(found["stateMachineArn"]),
            status=found["status"],
            started_at=found["startDate"],
            stopped_at=found.get("stopDate"),
            error=found.get("error"),
            cause=found.get("cause"),
        )

    def execution_id(self, workflow: str, name: str) -> str:
        machine = physical(self._settings, "workflows", workflow).split(":")
        return ":".join([*machine[:5], "execution", machine[6], name])

    def redrive(self, execution_id: str) -> None:
        failures = self._client.exceptions
        try:
            with outages("Step Functions"):
                self._client.redrive_execution(executionArn=execution_id)
        except (failures.ExecutionDoesNotExist, failures.InvalidArn) as error:
            raise NotFound(f"no execution has the id {execution_id}") from error
        except failures.ExecutionNotRedrivable as error:
            raise Conflict(str(error)) from error

    def _workflow(self, machine_arn: str) -> str:
        """The catalog's name of the workflow behind an ARN with or without a version or alias."""
        name = machine_arn.split(":")[6]
        known = self._settings.workflows.items()
        return next((workflow for workflow, arn in known if arn.split(":")[6] == name), name)
