"""What the templates let a function do, and which of those rights a call to AWS needs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra import catalog
from tests.infra.assembly import Assembly, Resource, arn

Right = tuple[str, str]  # action, ARN

_WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def allowed(policy: Resource) -> Iterator[Right]:
    """Every (action, resource) pair that a policy allows."""
    for statement in policy.properties["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, resource


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def function_of(assembly: Assembly, entry: catalog.Function) -> Resource:
    handler = f"functions.{entry.room}.{entry.name}.handler"
    (function,) = [f for f in assembly.all("AWS::Lambda::Function") if f.named("Handler") == handler]
    return function


def policies(assembly: Assembly) -> Iterator[Resource]:
    """Every policy of a role: what CDK takes for too much for one, it puts into managed ones."""
    yield from assembly.all("AWS::IAM::Policy")
    yield from assembly.all("AWS::IAM::ManagedPolicy")


def rights_of(assembly: Assembly, entry: catalog.Function) -> Iterator[Right]:
    """What the role of a function may do, found by way of the function, not of names."""
    function = function_of(assembly, entry)
    role = function.body["Properties"]["Role"]["Fn::GetAtt"][0]
    for policy in policies(assembly):
        if policy.stack == function.stack and {"Ref": role} in policy.body["Properties"]["Roles"]:
            yield from allowed(policy)


def rights_of_workflows(assembly: Assembly) -> Iterator[Right]:
    """What the roles of the state machines may do, all together."""
    for policy in policies(assembly):
        if policy.stack.endswith("workflows"):
            yield from allowed(policy)


def refused_to_all(assembly: Assembly) -> set[Right]:
    """What a table's own policy forbids everyone."""
    return {
        (action, statement["Resource"])
        for table in assembly.properties("AWS::DynamoDB::Table")
        for statement in table.get("ResourcePolicy", {}).get("PolicyDocument", {}).get("Statement", [])
        for action in statement["Action"]
    }


def needed(
    service: str, operation: str, parameters: Mapping[str, Any], *, waits_in: Callable[[str], str]
) -> Iterator[Right]:
    """The rights that AWS asks for when this call is made.

    `waits_in`: a task's token to the ARN of its state machine.
    """
    if operation == "TransactWriteItems":
        for write in parameters["TransactItems"]:
            for kind, body in write.items():
                yield f"dynamodb:{_WRITES[kind]}", _table(body["TableName"])
    elif operation == "BatchGetItem":
        for table_name in parameters["RequestItems"]:
            yield "dynamodb:BatchGetItem", _table(table_name)
    elif service == "dynamodb":
        table = _table(parameters["TableName"])
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        yield f"dynamodb:{operation}", table + index
    elif service == "sqs":
        yield f"sqs:{operation.removesuffix('Batch')}", arn("sqs", parameters["QueueUrl"].rsplit("/", 1)[1])
    elif service == "events":
        for entry in parameters["Entries"]:
            yield "events:PutEvents", arn("events", f"event-bus/{entry['EventBusName']}")
    elif service == "secretsmanager":
        yield f"secretsmanager:{operation}", parameters["SecretId"]
    elif operation in ("SendTaskSuccess", "SendTaskFailure"):
        yield f"states:{operation}", waits_in(parameters["taskToken"])
    elif service == "stepfunctions":
        yield f"states:{operation}", parameters["stateMachineArn"]
    else:
        raise AssertionError(f"no rule says what {service} {operation} needs")


def _table(name: str) -> str:
    return arn("dynamodb", f"table/{name}")
