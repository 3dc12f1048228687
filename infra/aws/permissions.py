"""What a function may do: exact actions on exact ARNs, derived from its catalog entry (F6)."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from infra import catalog
from infra.aws.data import Data
from infra.aws.stages import Stage

_READ = ["BatchGetItem", "ConditionCheckItem", "GetItem", "Query"]
_DYNAMODB: dict[catalog.Access, list[str]] = {
    "read": _READ,
    "append": [*_READ, "PutItem"],
    "change": [*_READ, "PutItem", "UpdateItem"],
    "all": [*_READ, "DeleteItem", "PutItem", "UpdateItem"],
}
_FILES = {"read": ["s3:GetObject"], "write": ["s3:GetObject", "s3:PutObject"]}
# cdk-nag's words for every execution of a workflow
EXECUTIONS = "Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{}:*"
# ... for every file of the bucket, which the data stack exports by this name
FILES = "Resource::{}-data:ExportsOutputFnGetAttfiles6F97A25DArn20FAC0C5/*"
ITEMS = EXECUTIONS.replace("{}:*", "{}/*")  # and for every item of its distributed Map
# What DynamoDB does with our key in the caller's name; only through DynamoDB, see the condition.
_TABLE_KEY = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]


def live_workflow_arn(stack: Stack, stage: Stage, workflow: str) -> str:
    """The alias that starters name. Made from names: the workflow's stack needs the rooms, not they it."""
    return f"{workflow_arn(stack, stage, workflow)}:live"


def workflow_arn(stack: Stack, stage: Stage, workflow: str) -> str:
    """The state machine, whose waiting tasks are answered whichever version an execution runs on."""
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=stage.workflow(workflow),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def execution_arns(stack: Stack, stage: Stage, workflow: str) -> str:
    """Every execution of the workflow; a machine's name is a fixed part, its executions' are not."""
    return stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{stage.workflow(workflow)}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def item_arns(stack: Stack, stage: Stage, workflow: str) -> str:
    """Every item of the workflow's distributed Map: `execution:machine/label:id`."""
    return stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{stage.workflow(workflow)}/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def statements(stack: Stack, stage: Stage, data: Data, entry: catalog.Function) -> list[iam.PolicyStatement]:
    """The whole policy of a function but for logs, traces and event sources, which their constructs add."""
    found = [_table(data.tables[table], access) for table, access in entry.tables]
    if entry.tables:
        found.append(_key(stack, data, "dynamodb", _TABLE_KEY))
    if entry.sends_to:
        found.append(_allow(["sqs:SendMessage"], [data.queues[queue].queue_arn for queue in entry.sends_to]))
    if entry.starts:
        aliases = [live_workflow_arn(stack, stage, workflow) for workflow in entry.starts]
        found.append(_allow(["states:StartExecution"], aliases))
    if entry.redrives:
        executions = [execution_arns(stack, stage, workflow) for workflow in entry.redrives]
        found.append(_allow(["states:DescribeExecution", "states:RedriveExecution"], executions))
    if entry.answers:
        machines = [workflow_arn(stack, stage, workflow) for workflow in entry.answers]
        found.append(_allow(["states:SendTaskFailure", "states:SendTaskSuccess"], machines))
    if entry.files:
        found.append(_allow(_FILES[entry.files], [data.bucket.arn_for_objects("*")]))
        found.append(_key(stack, data, "s3", ["kms:Decrypt", "kms:GenerateDataKey"]))
    if entry.publishes:
        found.append(_allow(["events:PutEvents"], [data.bus.event_bus_arn]))
    if entry.secrets:
        secrets = [data.secrets[secret].secret_arn for secret in entry.secrets]
        found.append(_allow(["secretsmanager:GetSecretValue"], secrets))
        found.append(_key(stack, data, "secretsmanager", ["kms:Decrypt"]))
    return found


def stream_statements(stack: Stack, data: Data, table: str) -> list[iam.PolicyStatement]:
    """What Lambda needs in the function's name to read a table's stream."""
    stream = data.tables[table].table_stream_arn
    assert stream is not None, f"infra/catalog.py: a stream reads {table}, which is not streamed"
    actions = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]
    return [
        _allow([f"dynamodb:{action}" for action in actions], [stream]),
        _key(stack, data, "dynamodb", ["kms:Decrypt"]),
    ]


def _table(table: dynamodb.ITable, access: catalog.Access) -> iam.PolicyStatement:
    indexes = next(entry.indexes for entry in catalog.TABLES if entry.name == table.node.id)
    arns = [table.table_arn, *(f"{table.table_arn}/index/{index.name}" for index in indexes)]
    return _allow([f"dynamodb:{action}" for action in sorted(_DYNAMODB[access])], arns)


def _key(stack: Stack, data: Data, service: str, actions: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=actions,
        resources=[data.key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.amazonaws.com"}},
    )


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
