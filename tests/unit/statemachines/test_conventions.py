"""House rules for statemachines/, checked on the files themselves, and the happy path's price."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra import catalog
from infra.aws.queues import visibility_seconds
from infra.state_machine_file import FOLDER, SUFFIX, lambda_steps, load, queue_names, scopes_of, states
from usher.settings import Settings

FILES = sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))
SELECTS = re.compile(
    r"^\{% \$(states\.(input|result|errorOutput|context)|[a-z_]+)(\[\d+\]|\.\w+)*"
    r"( (=|!=|<|>|in) ('[^']*'|\d+|true|false))? %\}$"
)
KINDS = {
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "arn:aws:states:::states:startExecution.sync:2",
    "arn:aws:states:::events:putEvents",
    "arn:aws:states:::sqs:sendMessage",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
}
SERVICE_ERRORS = {
    "RetryableError",
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Lambda.ServiceException",
    "Lambda.SdkClientException",
    "Lambda.AWSLambdaException",
    "Lambda.TooManyRequestsException",
}

# What a collector answers, what it is when none does, and what a queue that takes nothing looks like.
QUEUE_ERRORS = {"RetryableError", "States.Timeout", "SQS.AmazonSQSException", "SQS.SdkClientException"}


def bodies(name: str, *types: str) -> dict[str, dict[str, Any]]:
    return {state: body for state, body in states(load(name)) if not types or body["Type"] in types}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from texts(child)
    elif isinstance(node, list):
        for child in node:
            yield from texts(child)
    elif isinstance(node, str):
        yield node


def queue_of(body: dict[str, Any]) -> catalog.Queue | None:
    """The queue a task sends to, None for one that calls its function itself."""
    url = str(body["Arguments"].get("QueueUrl", "")).strip("${}")
    return next((queue for queue in catalog.QUEUES if queue.placeholder == url), None)


def function_of(body: dict[str, Any]) -> catalog.Function:
    """The function a task names: itself, or through the queue it sends to."""
    if queue := queue_of(body):
        return catalog.function(queue.consumer)
    return catalog.step(str(body["Arguments"]["FunctionName"]).strip("${}"))


def given_to(body: dict[str, Any]) -> dict[str, Any]:
    """What the task's function gets."""
    arguments = body["Arguments"]
    return dict(arguments["MessageBody"] if queue_of(body) else arguments["Payload"])


def asks(body: dict[str, Any]) -> bool:
    """Whether a task waits for somebody to answer, not for work of ours."""
    return bool(body["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken")


def expressions(node: Any) -> list[str]:
    return [text for text in texts(node) if text.startswith("{%")]


def test_there_is_a_file_for_every_workflow_of_the_catalog() -> None:
    assert [workflow.name for workflow in catalog.WORKFLOWS] == FILES


@pytest.mark.parametrize("name", FILES)
def test_every_state_says_why_it_exists(name: str) -> None:
    assert [state for state, body in bodies(name).items() if len(body.get("Comment", "")) < 20] == []


@pytest.mark.parametrize("name", FILES)
def test_every_task_has_a_deadline_and_a_retry(name: str) -> None:
    tasks = bodies(name, "Task")
    assert [
        state for state, body in tasks.items() if not ("TimeoutSeconds" in body and body.get("Retry"))
    ] == []
    assert load(name)["TimeoutSeconds"] > 0


@pytest.mark.parametrize("name", FILES)
def test_every_task_is_of_an_allowed_kind(name: str) -> None:
    assert {body["Resource"] for body in bodies(name, "Task").values()} <= KINDS


@pytest.mark.parametrize("name", FILES)
def test_expressions_select_and_never_compute(name: str) -> None:
    assert [text for text in expressions(load(name)) if not SELECTS.match(text)] == []


@pytest.mark.parametrize("name", FILES)
def test_every_retrier_names_what_it_retries_and_backs_off_with_jitter(name: str) -> None:
    for state, body in bodies(name, "Task").items():
        named = {error for retrier in body["Retry"] for error in retrier["ErrorEquals"]}
        wanted = QUEUE_ERRORS if queue_of(body) else SERVICE_ERRORS
        # A wait that ends without an answer is no failed call: what comes next is its catcher's to say.
        assert named >= (wanted - {"States.Timeout"} if asks(body) else wanted), state
        assert ("States.Timeout" in named) is not asks(body), state
        assert not named & {"States.ALL", "States.TaskFailed", "PermanentError"}, state
        for retrier in body["Retry"]:
            assert retrier["JitterStrategy"] == "FULL", state
            assert (retrier["MaxAttempts"] >= 1, retrier["BackoffRate"] > 1) == (True, True), state


@pytest.mark.parametrize("name", FILES)
def test_a_bug_is_never_caught(name: str) -> None:
    """Anything but a permanent error fails the execution, which stays redrivable and pages."""
    for state, body in bodies(name).items():
        caught = {error for catcher in body.get("Catch", []) for error in catcher["ErrorEquals"]}
        assert caught <= {"PermanentError", *QUEUE_ERRORS}, state


@pytest.mark.parametrize("name", FILES)
def test_a_branch_returns_its_outcome_and_does_not_fail(name: str) -> None:
    """A branch that fails aborts its sibling, while that one's function goes on working."""
    for state, body in bodies(name, "Parallel").items():
        for branch in body["Branches"]:
            for inner, task in branch["States"].items():
                assert task["Type"] != "Fail", inner
                if task["Type"] == "Task":
                    assert [c["ErrorEquals"] for c in task["Catch"]] == [["PermanentError"]], inner
                if task.get("End"):
                    assert "outcome" in str(task["Output"]) or "Payload" in str(task["Output"]), inner
        assert "Catch" not in body, state


@pytest.mark.parametrize("name", FILES)
def test_every_step_is_a_function_of_the_catalog(name: str) -> None:
    document = load(name)
    for step in lambda_steps(document):
        assert catalog.step(step).step == step
    assert set(queue_names(document)) <= {queue.placeholder for queue in catalog.QUEUES}


@pytest.mark.parametrize("name", FILES)
def test_a_state_is_named_like_its_function(name: str) -> None:
    """Two states that share a function add to its name: MarkCrmDegraded and MarkMailDegraded."""
    for state, body in bodies(name, "Task").items():
        words = re.findall(r"[A-Z][a-z]+", function_of(body).step)
        assert [word for word in words if word not in re.findall(r"[A-Z][a-z]+", state)] == [], state


@pytest.mark.parametrize("name", FILES)
def test_timeouts_are_a_ladder_from_the_vendor_call_up(name: str) -> None:
    for state, body in bodies(name, "Task").items():
        function = function_of(body)
        if asks(body):
            assert body["TimeoutSeconds"].startswith("{% $wait."), state
        else:
            assert function.timeout_seconds < body["TimeoutSeconds"] < load(name)["TimeoutSeconds"], state
        if function.vendors:
            assert Settings().vendor_timeout_seconds < function.timeout_seconds, state


@pytest.mark.parametrize("name", FILES)
def test_a_state_outwaits_all_deliveries_of_its_message(name: str) -> None:
    """Whoever waits is answered by the collector, or by the consumer of its dead letters."""
    for state, body in bodies(name, "Task").items():
        if queue := queue_of(body):
            assert body["Resource"].endswith(".waitForTaskToken"), state
            assert queue.dead_letter_consumer, state
            held = max(queue.visibility_seconds, visibility_seconds(queue)) * queue.max_receives
            assert queue.batch_window_seconds + held < body["TimeoutSeconds"], state


OF = {"reconciliation": "run_id"}
"""By what a workflow names whose execution it is."""

CALLS = {
    "create_billing_customer": 2,
    "create_subscription": 2,
    "provision_tenant": 3,
    "issue_api_key": 2,
    "sync_crm": 6,
    "ask_payment": 5,
    "close_payment": 8,
    "settle_payment": 4,
    "refund_payment": 9,
    "cancel_subscription": 8,
    "close_customer": 3,
    "revoke_api_key": 2,
    "remove_tenant": 3,
    "withdraw_from_crm": 6,
    "compare_page": 10,
}


@pytest.mark.parametrize("name, calls", CALLS.items())
def test_a_function_of_several_calls_outlives_them_all(name: str, calls: int) -> None:
    function = next(entry for entry in catalog.FUNCTIONS if entry.name == name)
    assert calls * Settings().vendor_timeout_seconds < function.timeout_seconds


@pytest.mark.parametrize("name", FILES)
def test_every_step_gets_ids_from_the_execution_s_input_and_nothing_of_the_person(name: str) -> None:
    for state, body in bodies(name, "Task").items():
        given = given_to(body)
        for id in (OF.get(name, "signup_id"), "correlation_id"):
            assert given.pop(id) == f"{{% $states.context.Execution.Input.{id} %}}", state
        assert given.pop("retry_count") == "{% $states.context.State.RetryCount %}", state
        assert given.pop("entered_at") == "{% $states.context.State.EnteredTime %}", state
        if body["Resource"].endswith(".waitForTaskToken"):
            assert given.pop("task_token") == "{% $states.context.Task.Token %}", state
        if queue := queue_of(body):
            assert given["step"] == catalog.function(queue.consumer).name, state
        assert set(given) <= {"step", "reminder", "wait_kind", "slice"}, state


@pytest.mark.parametrize("name", FILES)
def test_who_is_asked_is_reminded_once_and_then_decided_without(name: str) -> None:
    """Asked, asked again, closed: three states per wait, and none of them can hold an execution for ever."""
    document = load(name)
    for state, body in bodies(name, "Task").items():
        if not asks(body):
            continue
        after = next(c["Next"] for c in body["Catch"] if c["ErrorEquals"] == ["States.Timeout"])
        again = document["States"][after]
        if given_to(body).get("reminder"):
            assert after.startswith("Close") and not asks(again), state
        else:
            assert after == f"{state}Again" and asks(again) and given_to(again)["reminder"], state
            assert function_of(again) == function_of(body), state


UNDOES = (
    "RevokeApiKey",
    "RemoveTenant",
    "RemoveIdentity",
    "RefundPayment",
    "CancelSubscription",
    "CloseCustomer",
    "WithdrawFromCrm",
    "CloseSignup",
)


def test_a_rollback_undoes_in_reverse_order_and_gives_nothing_up() -> None:
    """No undo is caught: one that cannot succeed fails the execution, and a redrive goes on from there."""
    states = load("onboarding")["States"]
    path = ["RevokeApiKey"]
    while len(path) < len(UNDOES):
        path.append(states[path[-1]]["Next"])
    assert tuple(path) == UNDOES
    assert [state for state in UNDOES if "Catch" in states[state]] == []


def test_a_step_that_degrades_names_a_step_that_exists() -> None:
    named = {given_to(body).get("step") for body in bodies("onboarding", "Task").values()}
    functions = {entry.name for entry in catalog.FUNCTIONS}
    assert named - {None} == {"sync_crm", "send_welcome_mail"}
    assert named - {None} <= functions


def happy_path(scope: dict[str, Any], going: dict[str, str]) -> list[str]:
    """The states that are entered when every task succeeds, both branches of a Parallel included.

    `going` says which way each Choice goes.
    """
    entered, state = [], scope["StartAt"]
    while state is not None:
        body = scope["States"][state]
        entered.append(state)
        for branch in body.get("Branches", []):
            entered += happy_path(branch, going)
        state = going[state] if body["Type"] == "Choice" else body.get("Next")
    return entered


def test_the_happy_path_costs_at_most_thirteen_transitions() -> None:
    """Standard workflows are paid by the state transition (DESIGN.md section 6)."""
    ways = {"MayProceed": "BillAndProvision", "BothSucceeded": "ActivateAccount"}
    path = happy_path(load("onboarding"), ways)
    assert path[-1] == "SendWelcomeMail"
    assert len(path) <= 13
    tasks = bodies("onboarding", "Task")
    assert [state for state in path if state in tasks] == [
        "RegisterSignup",
        "CreateBillingCustomer",
        "CreateSubscription",
        "CreateIdentity",
        "ProvisionTenant",
        "IssueApiKey",
        "ActivateAccount",
        "SyncCrm",
        "SendWelcomeMail",
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_state_can_be_reached(name: str) -> None:
    document = load(name)
    reached: set[str] = set()
    scopes: list[dict[str, Any]] = [document]
    while scopes:
        scope = scopes.pop()
        waiting = [scope["StartAt"]]
        while waiting:
            state = waiting.pop()
            if state in reached:
                continue
            reached.add(state)
            body = scope["States"][state]
            rules = [*body.get("Choices", []), *body.get("Catch", []), body]
            waiting += [rule["Next"] for rule in rules if "Next" in rule]
            waiting += [body["Default"]] if "Default" in body else []
            scopes += scopes_of(body)
    assert reached == set(bodies(name))
