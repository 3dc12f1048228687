"""What is kept is kept, nobody may more than the catalog says, nothing that fails goes unseen (F6, E5)."""

import json
import re

import pytest

from infra import catalog
from infra.traced import traced
from tests.infra.assembly import ACCOUNT, Assembly, arn
from tests.infra.rights import allowed, as_list, policies, rights_of

# Actions that know no resource, each acknowledged beside its construct with the reason.
WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def test_tables_are_kept_recoverable_protected_and_encrypted_with_our_key(prod: Assembly) -> None:
    tables = list(prod.all("AWS::DynamoDB::Table"))
    assert len(tables) == len(catalog.TABLES)
    for table in tables:
        assert table.body["DeletionPolicy"] == table.body["UpdateReplacePolicy"] == "Retain", table.where
        properties = table.properties
        assert properties["DeletionProtectionEnabled"] is True, table.where
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert properties["SSESpecification"]["SSEType"] == "KMS"
        assert properties["SSESpecification"]["KMSMasterKeyId"].startswith("arn:aws:kms:")
    (key,) = prod.all("AWS::KMS::Key")
    assert key.properties["EnableKeyRotation"] is True
    assert key.body["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::Lambda::Version"])
def test_what_someone_may_still_need_is_kept(prod: Assembly, kind: str) -> None:
    assert {resource.body["DeletionPolicy"] for resource in prod.all(kind)} == {"Retain"}


def test_append_only_tables_refuse_updates_and_deletes_from_everyone(prod: Assembly) -> None:
    fixed = {f"usher-prod-{entry.name}" for entry in catalog.TABLES if entry.append_only}
    guarded = {}
    for table in prod.properties("AWS::DynamoDB::Table"):
        for statement in table.get("ResourcePolicy", {}).get("PolicyDocument", {}).get("Statement", []):
            assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
            assert statement["Resource"] == arn("dynamodb", f"table/{table['TableName']}")
            guarded[table["TableName"]] = set(statement["Action"])
    assert set(guarded) == fixed
    for actions in guarded.values():
        assert {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} <= actions


def test_no_role_has_a_wildcard_beyond_the_listed_ones(prod: Assembly) -> None:
    for policy in policies(prod):
        for action, resource in allowed(policy):
            assert "*" not in action, f"{policy.where}: {action}"
            if resource == "*":
                assert action in WITHOUT_RESOURCE, f"{policy.where}: {action} on everything"
            elif action == "lambda:InvokeFunction" and policy.stack.endswith("workflows"):
                assert resource.endswith(":*") and resource.count("*") == 1  # versions of one function
            elif action in ("states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"):
                items = policy.stack.endswith("workflows")  # of its own distributed Map
                assert resource.endswith("/*" if items else ":*") and resource.count("*") == 1
            elif action in ("s3:GetObject", "s3:PutObject"):
                assert resource.endswith("/*") and resource.count("*") == 1  # files of the one bucket
            elif action.startswith("logs:"):
                assert resource.endswith(":*") and resource.count("*") == 1  # streams of one log group
            elif action == "lambda:InvokeFunction":
                assert resource.removesuffix(":*").endswith(":live"), f"{policy.where}: {resource}"
            else:
                assert "*" not in resource, f"{policy.where}: {action} on {resource}"


def test_no_role_uses_a_managed_policy(prod: Assembly) -> None:
    assert [
        role.where for role in prod.all("AWS::IAM::Role") if role.properties.get("ManagedPolicyArns")
    ] == []


def test_a_function_reaches_only_the_tables_queues_and_secrets_of_its_entry(prod: Assembly) -> None:
    for entry in catalog.FUNCTIONS:
        rights = set(rights_of(prod, entry))
        tables = {split(resource)[0] for action, resource in rights if is_table(action)}
        assert tables == {f"usher-prod-{name}" for name, _ in entry.tables}
        for name, access in entry.tables:
            actions = {
                action.removeprefix("dynamodb:")
                for action, resource in rights
                if is_table(action) and split(resource)[0] == f"usher-prod-{name}"
            }
            assert actions == EXPECTED[access], f"{entry.path} on {name}"
        secrets = {r for action, r in rights if action == "secretsmanager:GetSecretValue"}
        expected = {arn("secretsmanager", f"secret:usher/prod/{name}-AbCdEf") for name in entry.secrets}
        assert secrets == expected
        redrives = {r for action, r in rights if action == "states:RedriveExecution"}
        assert redrives == {arn("states", f"execution:usher-prod-{name}:*") for name in entry.redrives}
        starts = {r for action, r in rights if action == "states:StartExecution"}
        assert starts == {arn("states", f"stateMachine:usher-prod-{name}:live") for name in entry.starts}
        for answering in ("states:SendTaskSuccess", "states:SendTaskFailure"):
            answers = {r for action, r in rights if action == answering}
            assert answers == {arn("states", f"stateMachine:usher-prod-{name}") for name in entry.answers}
        sends = {r for action, r in rights if action == "sqs:SendMessage" and "-dlq" not in r}
        assert len(sends) == len(entry.sends_to)
        assert ("events:PutEvents", arn("events", "event-bus/usher-prod")) in rights or not entry.publishes


def test_our_key_is_used_only_through_the_service_that_needs_it(prod: Assembly) -> None:
    for policy in policies(prod):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if any(action.startswith("kms:") for action in as_list(statement["Action"])):
                assert "kms:ViaService" in statement["Condition"]["StringEquals"], policy.where


def test_every_caller_names_a_version_or_the_alias(prod: Assembly) -> None:
    called: list[str] = [p["FunctionName"] for p in prod.properties("AWS::Lambda::Permission")]
    called += [m["FunctionName"] for m in prod.properties("AWS::Lambda::EventSourceMapping")]
    called += [i["IntegrationUri"] for i in prod.properties("AWS::ApiGatewayV2::Integration")]
    called += [t["Arn"] for rule in prod.properties("AWS::Events::Rule") for t in rule["Targets"]]
    called = [each for each in called if ":sqs:" not in each]  # a rule that fills a queue calls nobody
    called += [s["Target"]["Arn"] for s in prod.properties("AWS::Scheduler::Schedule")]
    called += [
        authorizer["AuthorizerUri"].removesuffix("/invocations")
        for authorizer in prod.properties("AWS::ApiGatewayV2::Authorizer")
    ]
    assert len(called) > 15
    assert [each for each in called if not each.endswith(":live")] == []
    bound = [
        target
        for machine in prod.properties("AWS::StepFunctions::StateMachine")
        for target in machine["DefinitionSubstitutions"].values()
        if ":function:" in target  # the others are queues
    ]
    assert bound and [each for each in bound if not each.endswith(":1")] == []
    starters = [
        value
        for function in prod.properties("AWS::Lambda::Function")
        for name, value in function["Environment"]["Variables"].items()
        if name.startswith("USHER_WORKFLOW_")
    ]
    assert starters and [each for each in starters if not each.endswith(":live")] == []


def test_a_version_changes_stacks_without_an_export_that_would_block_the_next_release(prod: Assembly) -> None:
    for stack, template in prod.templates.items():
        text = json.dumps(template.get("Outputs", {}))
        exported = [o for o in template.get("Outputs", {}).values() if "CurrentVersion" in json.dumps(o)]
        assert all("Export" not in output for output in exported), f"{stack}: {text}"
    bound = json.dumps(prod.templates["usher-prod-workflows"])
    assert "Fn::GetStackOutput" in bound
    imported = re.findall(r'"Fn::ImportValue": "([^:"]+)', bound)
    assert set(imported) == {"usher-prod-data"}  # the queues, which outlive every release


def test_every_source_of_events_has_a_dead_letter_queue(prod: Assembly) -> None:
    queues = {q["QueueName"]: q for q in prod.properties("AWS::SQS::Queue")}
    for entry in catalog.QUEUES:
        suffix = ".fifo" if entry.fifo else ""
        queue = queues[f"usher-prod-{entry.name}{suffix}"]
        dead = queues[f"usher-prod-{entry.dead_letters}{suffix}"]
        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == arn("sqs", dead["QueueName"])
        assert queue["RedrivePolicy"]["maxReceiveCount"] == entry.max_receives
        assert dead["RedriveAllowPolicy"]["sourceQueueArns"] == [arn("sqs", queue["QueueName"])]
    for mapping in prod.properties("AWS::Lambda::EventSourceMapping"):
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if ":dynamodb:" in mapping["EventSourceArn"]:
            assert mapping["DestinationConfig"]["OnFailure"]["Destination"].endswith("-stream-dlq")
            assert mapping["BisectBatchOnFunctionError"] is True
        else:
            assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    targets = [t for rule in prod.properties("AWS::Events::Rule") for t in rule["Targets"]]
    targets += [schedule["Target"] for schedule in prod.properties("AWS::Scheduler::Schedule")]
    assert all(t["DeadLetterConfig"]["Arn"].endswith("-dlq") and t["RetryPolicy"] for t in targets)
    caught = {c["FunctionName"]: c for c in prod.properties("AWS::Lambda::EventInvokeConfig")}
    called = {t["Arn"].split(":")[6] for t in targets if ":sqs:" not in t["Arn"]}
    assert set(caught) == called
    assert all(c["DestinationConfig"]["OnFailure"]["Destination"].endswith("-dlq") for c in caught.values())


def test_every_dead_letter_queue_stream_function_and_workflow_has_an_alarm_that_speaks(
    prod: Assembly,
) -> None:
    alarms = [a for a in prod.properties("AWS::CloudWatch::Alarm") if a.get("AlarmActions")]
    (topic,) = prod.all("AWS::SNS::Topic")
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} == {
        arn("sns", "usher-prod-alarms")
    }
    watched = {(a["MetricName"], d["Value"]) for a in alarms for d in a["Dimensions"]}
    assert ("EventParked", "prod") in watched
    for queue in prod.properties("AWS::SQS::Queue"):
        name = queue["QueueName"]
        metric = "ApproximateNumberOfMessagesVisible" if "-dlq" in name else "ApproximateAgeOfOldestMessage"
        assert (metric, name) in watched
    for function in prod.properties("AWS::Lambda::Function"):
        assert ("Errors", function["FunctionName"]) in watched
        assert ("Throttles", function["FunctionName"]) in watched
    for entry in catalog.STREAMS:
        room, name = entry.consumer.split("/")
        assert ("IteratorAge", f"usher-prod-{room}-{name}".replace("_", "-")) in watched
    for machine in prod.properties("AWS::StepFunctions::StateMachine"):
        assert ("ExecutionsFailed", arn("states", f"stateMachine:{machine['StateMachineName']}")) in watched
    assert topic.properties["KmsMasterKeyId"].startswith("arn:aws:kms:")


def test_a_message_stays_hidden_six_times_as_long_as_its_consumer_may_run(prod: Assembly) -> None:
    queues = {q["QueueName"]: q for q in prod.properties("AWS::SQS::Queue")}
    for entry in catalog.QUEUES:
        queue = queues[f"usher-prod-{entry.name}{'.fifo' if entry.fifo else ''}"]
        assert queue["VisibilityTimeout"] >= 6 * catalog.function(entry.consumer).timeout_seconds
        assert queue["VisibilityTimeout"] >= entry.visibility_seconds
        assert queue["SqsManagedSseEnabled"] is True


def test_http_and_queue_functions_come_to_new_code_gradually(prod: Assembly) -> None:
    groups = prod.properties("AWS::CodeDeploy::DeploymentGroup")
    aliases = [a for a in prod.all("AWS::Lambda::Alias") if "UpdatePolicy" in a.body]
    expected = {route.function for route in catalog.ROUTES} | {queue.consumer for queue in catalog.QUEUES}
    assert {a.properties["FunctionName"] for a in aliases} == {
        f"usher-prod-{path}".replace("/", "-").replace("_", "-") for path in expected
    }
    assert len(groups) == len(expected)
    assert all(group["AlarmConfiguration"]["Enabled"] for group in groups)
    machines = [a["DeploymentPreference"] for a in prod.properties("AWS::StepFunctions::StateMachineAlias")]
    watched = {alarm.get("AlarmName") for alarm in prod.properties("AWS::CloudWatch::Alarm")}
    assert [shift["Type"] for shift in machines] == ["CANARY"] * len(catalog.WORKFLOWS)
    heeded = {name for shift in machines for name in shift["Alarms"]}
    assert len(heeded) == len(catalog.WORKFLOWS) and heeded <= watched


def test_the_access_log_holds_no_personal_data(prod: Assembly) -> None:
    (stage,) = prod.properties("AWS::ApiGatewayV2::Stage")
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert "$context.routeKey" in line.values()
    for leak in ("sourceIp", "userAgent", "$context.path", "identity", "authorizer.role", "domainName"):
        assert leak not in stage["AccessLogSettings"]["Format"]


def test_every_log_is_deleted_in_time_and_holds_our_lines_and_failures_alone(prod: Assembly) -> None:
    groups = prod.properties("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == 90 for group in groups)
    named = {group["LogGroupName"] for group in groups}
    for function in prod.properties("AWS::Lambda::Function"):
        told = function["LoggingConfig"]
        assert told["LogGroup"] in named
        assert (told["LogFormat"], told["SystemLogLevel"]) == ("JSON", "WARN")
        assert told["ApplicationLogLevel"] == "INFO"


def test_what_workflows_run_is_traced_and_nothing_else_begins_a_trace(prod: Assembly) -> None:
    modes = {
        function["Handler"]: function["TracingConfig"]["Mode"]
        for function in prod.properties("AWS::Lambda::Function")
    }
    assert modes == {
        f"functions.{entry.room}.{entry.name}.handler": "Active" if entry.path in traced() else "PassThrough"
        for entry in catalog.FUNCTIONS
    }
    machines = prod.properties("AWS::StepFunctions::StateMachine")
    assert all(machine["TracingConfiguration"]["Enabled"] for machine in machines)


def test_no_secret_has_a_value_in_the_template(prod: Assembly) -> None:
    for secret in prod.properties("AWS::SecretsManager::Secret"):
        assert "SecretString" not in secret
        assert secret["GenerateSecretString"].get("SecretStringTemplate", "{}") == "{}"  # a form, not a value


def test_the_template_names_no_account(prod: Assembly) -> None:
    text = json.dumps(prod.templates)
    assert ACCOUNT not in text


EXPECTED = {
    "read": {"BatchGetItem", "ConditionCheckItem", "GetItem", "Query"},
    "append": {"BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "Query"},
    "change": {"BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem"},
    "all": {"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"},
}
_STREAM = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}


def is_table(action: str) -> bool:
    return action.startswith("dynamodb:") and action.removeprefix("dynamodb:") not in _STREAM


def split(table_arn: str) -> list[str]:
    return table_arn.split(":table/")[1].split("/")
