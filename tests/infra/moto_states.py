"""Step Functions in moto: its interpreter given a JSONata evaluator, a Lambda that calls us, and a role.

A `.waitForTaskToken` task is moto's own: it sends to moto's SQS, and waits until `SendTaskSuccess` or
`SendTaskFailure` comes for its token.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from boto3.session import Session
from jsonata import Jsonata
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs as moto_sqs,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

Invoke = Callable[[str, dict[str, Any]], Any]  # function version ARN, payload -> answer
Check = Callable[..., None]

CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}


def complete(patch: pytest.MonkeyPatch, invoke: Invoke, check: Check) -> None:
    """Fill the gaps that moto leaves to its user, until the patch is undone.

    Args:
        check: called before the interpreter itself calls AWS, with the parameters and the model of the call.
    """
    patch.setattr(moto_jsonata, "_eval_jsonata", _evaluate)
    session = Session()
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


def _evaluate(expression: str) -> Any:
    """What an expression of ours selects; moto writes the bindings into its text."""
    found = Jsonata(expression).evaluate(None)
    if found is None:
        raise moto_jsonata.JSONataException("States.QueryEvaluationError", f"{expression} selects nothing")
    return found
