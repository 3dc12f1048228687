"""Which fields each state type may have and what they may hold; the rest is refused with file and line."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.engine.errors import ALL
from infra.local.engine.expressions import is_expression
from infra.state_machine_file import Document

TOKEN_SUFFIX = ".waitForTaskToken"
SYNC_SUFFIX = ".sync:2"
LONGEST_NAME = 80
LONGEST_TIME = 99_999_999  # seconds; the States Language's own limit

_PREFIX = "arn:aws:states:::"
RESOURCES = {
    "lambda:invoke": {"FunctionName", "Payload", "InvocationType", "Qualifier"},
    "sqs:sendMessage": {
        "QueueUrl",
        "MessageBody",
        "MessageAttributes",
        "MessageGroupId",
        "MessageDeduplicationId",
        "DelaySeconds",
    },
    "events:putEvents": {"Entries"},
    "states:startExecution": {"StateMachineArn", "Name", "Input"},
}
_REQUIRED_ARGUMENTS = {
    "lambda:invoke": {"FunctionName"},
    "sqs:sendMessage": {"QueueUrl", "MessageBody"},
    "events:putEvents": {"Entries"},
    "states:startExecution": {"StateMachineArn"},
}
_SUFFIXES = {
    "lambda:invoke": {"", TOKEN_SUFFIX},
    "sqs:sendMessage": {"", TOKEN_SUFFIX},
    "events:putEvents": {""},
    "states:startExecution": {"", SYNC_SUFFIX},
}

_TOP = {"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}
_ANY = {"Type", "Comment", "QueryLanguage"}
_FLOW = {"Next", "End", "Assign", "Output"}
_FAULTS = {"Retry", "Catch"}
_OF_TYPE = {
    "Task": _FLOW | _FAULTS | {"Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds"},
    "Parallel": _FLOW | _FAULTS | {"Branches", "Arguments"},
    "Map": _FLOW
    | _FAULTS
    | {
        "Items",
        "ItemProcessor",
        "ItemSelector",
        "ItemBatcher",
        "MaxConcurrency",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
        "Label",
    },
    "Pass": _FLOW,
    "Wait": _FLOW | {"Seconds", "Timestamp"},
    "Choice": {"Choices", "Default", "Assign", "Output"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}
_RETRIER = {
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Comment",
}
_CATCHER = {"ErrorEquals", "Next", "Assign", "Output", "Comment"}
_CHOICE = {"Condition", "Next", "Assign", "Output", "Comment"}
_DISTRIBUTED_ONLY = {"ItemBatcher", "ToleratedFailureCount", "ToleratedFailurePercentage", "Label"}
_VARIABLE = re.compile(r"^[A-Za-z_]\w{0,79}$")


def service_of(resource: str) -> str:
    """`arn:aws:states:::sqs:sendMessage.waitForTaskToken` -> `sqs:sendMessage`; `.sync:2` stays."""
    return resource.removeprefix(_PREFIX).removesuffix(TOKEN_SUFFIX)


def check_top(document: Document) -> None:
    """Raises StateMachineFileError for unknown top-level fields or a bad machine timeout."""
    unknown = sorted(set(document) - _TOP)
    if unknown:
        raise document.error(f"the field {unknown[0]} is not supported at the top (prefix your own with x-)")
    timeout = document.get("TimeoutSeconds")
    if timeout is not None and not _whole(timeout, 1):
        raise document.error("TimeoutSeconds must be a whole number of seconds")


def check_reachable(
    document: Document,
    scope: Mapping[str, Any],
    owner: str | None,
    targets: Callable[[Mapping[str, Any]], Iterable[str]],
) -> None:
    """Raises StateMachineFileError for a state nothing leads to; AWS refuses such a machine as well."""
    found, todo = set(), [scope["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(targets(scope["States"][name]))
    for name in scope["States"]:
        if name not in found:
            raise document.error(f"state {name}: nothing leads here", name)
    allowed = {"StartAt", "States", "Comment", "ProcessorConfig"} if owner else _TOP
    for key in sorted(set(scope) - allowed):
        raise document.error(f"state {owner}: the field {key} is not supported in a branch", owner)


def check_state(document: Document, name: str, body: Mapping[str, Any]) -> None:
    """Raises StateMachineFileError for anything in the state that the engine would not honour."""

    def refuse(problem: str) -> None:
        raise document.error(f"state {name}: {problem}", name)

    kind = body["Type"]
    if kind not in _OF_TYPE:
        refuse(f"the type {kind} is not supported")
    if len(name) > LONGEST_NAME:
        refuse(f"its name is longer than {LONGEST_NAME} characters")
    for key in sorted(set(body) - _OF_TYPE[kind] - _ANY):
        refuse(f"a {kind} state cannot have the field {key}")
    if body.get("QueryLanguage", "JSONata") != "JSONata":
        refuse("QueryLanguage must be JSONata")
    if "Next" in _OF_TYPE[kind] and ("Next" in body) == (body.get("End") is True):
        refuse("needs either Next or End: true")
    if "End" in body and body["End"] is not True:
        refuse("End can only be true")
    _check_assign(body, refuse)
    if kind in _CHECKS:
        _CHECKS[kind](body, refuse)
    if kind in ("Task", "Parallel", "Map"):
        _check_faults(body, refuse)


Refuse = Callable[[str], None]


def _check_assign(rule: Mapping[str, Any], refuse: Refuse) -> None:
    assign = rule.get("Assign", {})
    if not isinstance(assign, dict):
        refuse("Assign must be a mapping of variables")
    for variable in assign:
        if not _VARIABLE.match(variable) or variable == "states":
            refuse(f"{variable!r} cannot name a variable")


def _check_task(body: Mapping[str, Any], refuse: Refuse) -> None:
    resource = str(body.get("Resource", ""))
    for service, suffixes in _SUFFIXES.items():
        suffix = resource.removeprefix(_PREFIX + service)
        if resource.startswith(_PREFIX) and suffix in suffixes and suffix != resource:
            break
    else:
        refuse(f"the resource {resource!r} is not supported")
    arguments = body.get("Arguments", {})
    if isinstance(arguments, dict):
        for key in sorted(set(arguments) - RESOURCES[service]):
            refuse(f"the argument {key} of {service} is not supported")
        for key in sorted(_REQUIRED_ARGUMENTS[service] - set(arguments)):
            refuse(f"{service} needs the argument {key}")
        if arguments.get("InvocationType", "RequestResponse") != "RequestResponse":
            refuse("InvocationType can only be RequestResponse")
    elif not is_expression(arguments):
        refuse("Arguments must be a mapping or an expression")
    for key in ("TimeoutSeconds", "HeartbeatSeconds"):
        if key in body and not is_expression(body[key]) and not _whole(body[key], 1):
            refuse(f"{key} must be a whole number of seconds, or an expression")
    if "HeartbeatSeconds" in body:
        if not resource.endswith(TOKEN_SUFFIX):
            refuse("HeartbeatSeconds needs .waitForTaskToken; nothing else can send a heartbeat")
        timeout, heartbeat = body.get("TimeoutSeconds", LONGEST_TIME), body["HeartbeatSeconds"]
        if _whole(timeout, 1) and _whole(heartbeat, 1) and heartbeat >= timeout:
            refuse("HeartbeatSeconds must be smaller than TimeoutSeconds")


def _check_wait(body: Mapping[str, Any], refuse: Refuse) -> None:
    if ("Seconds" in body) == ("Timestamp" in body):
        refuse("needs either Seconds or Timestamp")
    seconds = body.get("Seconds", 0)
    if not is_expression(seconds) and not _whole(seconds, 0):
        refuse(f"Seconds must be a whole number up to {LONGEST_TIME}, or an expression")
    if not isinstance(body.get("Timestamp", ""), str):
        refuse("Timestamp must be a string")


def _check_choice(body: Mapping[str, Any], refuse: Refuse) -> None:
    choices = body.get("Choices")
    if not isinstance(choices, list) or not choices:
        refuse("Choices must list at least one rule")
    for rule in choices or []:
        for key in sorted(set(rule) - _CHOICE):
            refuse(f"a choice cannot have the field {key}")
        if "Next" not in rule or "Condition" not in rule:
            refuse("a choice needs Condition and Next")
        if not is_expression(rule["Condition"]) and not isinstance(rule["Condition"], bool):
            refuse("a Condition must be an expression, true or false")
        _check_assign(rule, refuse)


def _check_parallel(body: Mapping[str, Any], refuse: Refuse) -> None:
    if not isinstance(body.get("Branches"), list) or not body["Branches"]:
        refuse("Branches must list at least one branch")


def _check_map(body: Mapping[str, Any], refuse: Refuse) -> None:
    processor = body.get("ItemProcessor")
    if not isinstance(processor, dict):
        refuse("needs an ItemProcessor")
        return
    config = processor.get("ProcessorConfig", {})
    mode = config.get("Mode", "INLINE")
    for key in sorted(set(config) - {"Mode", "ExecutionType"}):
        refuse(f"ProcessorConfig cannot have the field {key}")
    if mode not in ("INLINE", "DISTRIBUTED"):
        refuse("Mode must be INLINE or DISTRIBUTED")
    if mode == "DISTRIBUTED" and config.get("ExecutionType") != "STANDARD":
        refuse("ExecutionType must be STANDARD; express executions are not supported")
    if mode == "INLINE":
        for key in sorted(_DISTRIBUTED_ONLY & set(body)):
            refuse(f"{key} needs Mode: DISTRIBUTED")
    batcher = body.get("ItemBatcher", {})
    for key in sorted(set(batcher) - {"MaxItemsPerBatch", "BatchInput"}):
        refuse(f"ItemBatcher cannot have the field {key}")
    if "ItemBatcher" in body and "MaxItemsPerBatch" not in batcher:
        refuse("ItemBatcher needs MaxItemsPerBatch")
    items = body.get("Items", [])
    if not isinstance(items, list) and not is_expression(items):
        refuse("Items must be an array or an expression")


_CHECKS: dict[str, Callable[[Mapping[str, Any], Refuse], None]] = {
    "Task": _check_task,
    "Wait": _check_wait,
    "Choice": _check_choice,
    "Parallel": _check_parallel,
    "Map": _check_map,
}


def _check_faults(body: Mapping[str, Any], refuse: Refuse) -> None:
    for field, allowed in (("Retry", _RETRIER), ("Catch", _CATCHER)):
        entries = body.get(field, [])
        if not isinstance(entries, list):
            refuse(f"{field} must be a list")
        for position, entry in enumerate(entries):
            for key in sorted(set(entry) - allowed):
                refuse(f"an entry of {field} cannot have the field {key}")
            errors = entry.get("ErrorEquals")
            if not isinstance(errors, list) or not errors or not all(isinstance(e, str) for e in errors):
                refuse(f"an entry of {field} needs ErrorEquals, a list of error names")
                return
            if ALL in errors and (len(errors) > 1 or position < len(entries) - 1):
                refuse(f"States.ALL must stand alone, in the last entry of {field}")
            if field == "Catch" and "Next" not in entry:
                refuse("a catcher needs Next")
            _check_assign(entry, refuse)
            _check_retrier(entry, refuse)


def _check_retrier(entry: Mapping[str, Any], refuse: Refuse) -> None:
    interval = entry.get("IntervalSeconds", 1)
    if not _whole(interval, 1):
        refuse("IntervalSeconds must be a whole number from 1")
    if not _whole(entry.get("MaxAttempts", 0), 0):
        refuse("MaxAttempts must be a whole number from 0")
    backoff = entry.get("BackoffRate", 2.0)
    if isinstance(backoff, bool) or not isinstance(backoff, (int, float)) or backoff < 1:
        refuse("BackoffRate must be a number from 1")
    longest = entry.get("MaxDelaySeconds")
    if longest is not None and (not _whole(longest, 1) or longest > 31_622_400 or longest <= interval):
        refuse("MaxDelaySeconds must be larger than IntervalSeconds and at most 31622400 (a year)")
    if entry.get("JitterStrategy", "NONE") not in ("NONE", "FULL"):
        refuse("JitterStrategy must be NONE or FULL")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LONGEST_TIME
