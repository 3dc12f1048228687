"""Step Functions in moto: its interpreter given a JSONata evaluator, a Lambda that calls us, and a role.

A `.waitForTaskToken` task is moto's own: it calls our function or sends to moto's SQS, and waits until
`SendTaskSuccess` or `SendTaskFailure` comes for its token.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from boto3.session import Session
from jsonata import Jsonata
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs as moto_sqs,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from tests.infra.assembly import ACCOUNT, REGION

Invoke = Callable[[str, dict[str, Any]], Any]  # function version ARN, payload -> answer
Check = Callable[..., None]

CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}


def complete(patch: pytest.MonkeyPatch, invoke: Invoke, check: Check) -> None:
    """Fill the gaps that moto leaves to its user, until the patch is undone.

    Args:
        check: called before the interpreter itself calls AWS, with the parameters and the model of the call.
    """
    patch.setattr(moto_jsonata, "_eval_jsonata", _evaluate)
    session: Any = Session()
    session.events.register("provide-client-params", check)

    def client(region: str, service: str, state_credentials: Any = None) -> Any:
        return session.client(service, region_name=region)

    patch.setattr(moto_sqs, "boto_client_for", client)

    def answer(
        self: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: str,
        headers: Any,
        response_headers: dict[str, str],
    ) -> bytes:
        try:
            result = invoke(function_name, json.loads(body))
        except Exception as error:  # noqa: BLE001 - as Lambda does: whatever a handler raises is the answer
            response_headers["x-amz-function-error"] = "Unhandled"
            result = {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": []}
        return json.dumps(result).encode()

    patch.setattr(LambdaSimpleBackend, "invoke", answer)


def at_rest() -> bool:
    """Whether no execution does anything before somebody else does: each has ended or waits."""
    return all(each.status != "RUNNING" or _waits(each) for each in _executions())


def statuses() -> dict[str, str]:
    """How every execution stands, by its name. Asked of moto's own objects: a call to it costs more."""
    return {each.name: each.status for each in _executions()}


def waits_in(token: str) -> str:
    """The ARN of the state machine whose task waits under this token, which only AWS could tell otherwise."""
    (found,) = [each.state_machine_arn for each in _executions() if token in _pool(each)]
    return str(found)


def stop() -> None:
    """End what still waits, so that nothing goes on once its account is gone."""
    for each in _executions():
        if each.status == "RUNNING":
            each.stop(stop_date=None, error=None, cause="the test is over")


def _executions() -> Iterator[Any]:  # of moto's parser; its declared type is that of its other backend
    for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        yield from list(machine.executions)


def _waits(execution: Any) -> bool:
    """In a Wait state, or under a token whose question has been asked and not been answered."""
    env = execution.exec_worker.env
    if env is None:  # not begun
        return False
    events = env.event_manager._history_event_list  # the very list: a copy of it costs more than all else
    last = events[-1]["type"] if events else ""
    return bool(
        last == "WaitStateEntered"
        or (last == "TaskSubmitted" and any(each.get_outcome() is None for each in _pool(execution).values()))
    )


def _pool(execution: Any) -> dict[str, Any]:
    env = execution.exec_worker.env
    pool: dict[str, Any] = env.callback_pool_manager._pool if env else {}
    return pool


def _evaluate(expression: str) -> Any:
    """What an expression of ours selects; moto writes the bindings into its text."""
    found = Jsonata(expression).evaluate(None)
    if found is None:
        raise moto_jsonata.JSONataException("States.QueryEvaluationError", f"{expression} selects nothing")
    return found
