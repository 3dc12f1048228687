"""The templates hold exactly what infra/catalog.py lists: nothing is missing, nothing was added by hand.

Row E4 of docs/product.md.
"""

from typing import Any

from infra import catalog
from infra.state_machine_file import lambda_steps, load, queue_names
from tests.infra.assembly import Assembly
from usher.settings import TEXTS, variable

SOURCES = (*catalog.QUEUES, *catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES)


def test_tables_with_their_keys_indexes_and_lives(prod: Assembly) -> None:
    found = {table["TableName"]: table for table in prod.properties("AWS::DynamoDB::Table")}
    assert set(found) == {f"usher-prod-{entry.name}" for entry in catalog.TABLES}
    for entry in catalog.TABLES:
        table = found[f"usher-prod-{entry.name}"]
        assert _keys(table["KeySchema"]) == (entry.partition, entry.sort)
        indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
        assert {name: _keys(index["KeySchema"]) for name, index in indexes.items()} == {
            index.name: (index.partition, index.sort) for index in entry.indexes
        }
        assert {name: _held(index["Projection"]) for name, index in indexes.items()} == {
            index.name: index.projects for index in entry.indexes
        }
        assert table.get("TimeToLiveSpecification", {}).get("AttributeName") == entry.expires
        assert ("StreamSpecification" in table) is entry.streamed


def test_queues_and_a_dead_letter_queue_for_every_source(prod: Assembly) -> None:
    found = {queue["QueueName"] for queue in prod.properties("AWS::SQS::Queue")}
    expected = {_queue(entry.name, entry.fifo) for entry in catalog.QUEUES}
    expected |= {_queue(entry.dead_letters, getattr(entry, "fifo", False)) for entry in SOURCES}
    assert found == expected


def test_functions_with_their_handlers_limits_and_layers(prod: Assembly) -> None:
    found = {function["Handler"]: function for function in prod.properties("AWS::Lambda::Function")}
    assert set(found) == {f"functions.{entry.room}.{entry.name}.handler" for entry in catalog.FUNCTIONS}
    for entry in catalog.FUNCTIONS:
        function = found[f"functions.{entry.room}.{entry.name}.handler"]
        assert function["Timeout"] == entry.timeout_seconds
        assert function["MemorySize"] == entry.memory_mb
        assert function.get("ReservedConcurrentExecutions") == entry.reserved_concurrency
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        layers = [layer.split(":")[-2] for layer in function["Layers"]]
        own = {"usher", "policies", "core", *(set(entry.vendors) - {"http"})}
        assert {name for name in own if any(layer.startswith(f"Layers{name}") for layer in layers)} == own
        assert len(layers) == len(own)


def test_an_environment_names_exactly_what_its_function_may_use(prod: Assembly) -> None:
    found = {
        function["Handler"]: set(function["Environment"]["Variables"])
        for function in prod.properties("AWS::Lambda::Function")
    }
    for entry in catalog.FUNCTIONS:
        expected = {"USHER_STAGE", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
        expected |= {"POWERTOOLS_LOG_LEVEL"} | {TEXTS[each] for each in (*entry.addresses, *entry.options)}
        expected |= {variable("tables", name) for name, _ in entry.tables}
        expected |= {variable("queues", name) for name in entry.sends_to}
        expected |= {variable("queues", q.name) for q in catalog.QUEUES if q.consumer == entry.path}
        expected |= {variable("workflows", name) for name in entry.starts}
        expected |= {variable("secrets", name) for name in entry.secrets}
        expected |= {"USHER_BUS"} if entry.publishes else set()
        expected |= {"USHER_BUCKET"} if entry.files else set()
        assert found[f"functions.{entry.room}.{entry.name}.handler"] == expected


def test_rules_and_schedules(prod: Assembly) -> None:
    rules = {rule["Name"]: rule for rule in prod.properties("AWS::Events::Rule")}
    assert set(rules) == {f"usher-prod-{entry.name}" for entry in catalog.RULES}
    for entry in catalog.RULES:
        rule = rules[f"usher-prod-{entry.name}"]
        assert rule["EventPattern"]["source"] == [entry.source]
        assert rule["EventPattern"]["detail-type"] == list(entry.detail_types)
        assert rule.get("EventBusName", "default") == ("usher-prod" if entry.bus == "usher" else "default")
    schedules = {each["Name"]: each for each in prod.properties("AWS::Scheduler::Schedule")}
    assert {name: each["ScheduleExpression"] for name, each in schedules.items()} == {
        f"usher-prod-{entry.name}": _when(entry) for entry in catalog.SCHEDULES
    }


def _when(entry: catalog.Schedule) -> str:
    if entry.every_minutes == 24 * 60:
        hour, minute = divmod(entry.after_minutes, 60)
        return f"cron({minute} {hour} * * ? *)"
    return f"rate({entry.every_minutes} minute{'s' * (entry.every_minutes > 1)})"


def test_a_rule_on_aws_own_events_hears_only_this_stages_workflows(prod: Assembly) -> None:
    patterns = [rule["EventPattern"] for rule in prod.properties("AWS::Events::Rule")]
    ours = [
        f"arn:aws:states:us-east-1:123456789012:stateMachine:usher-prod-{w.name}" for w in catalog.WORKFLOWS
    ]
    details = [pattern["detail"] for pattern in patterns if pattern["source"] == ["aws.states"]]
    assert len(details) == len([rule for rule in catalog.RULES if rule.source == "aws.states"])
    assert [detail["stateMachineArn"] for detail in details] == [ours] * len(details)
    (redriven,) = [detail for detail in details if "$or" in detail]
    assert redriven["status"] == ["SUCCEEDED"]  # of a first try nobody is called
    assert redriven["$or"] == [{"redriveCount": [{"numeric": [">", 0]}]}, {"name": [{"wildcard": "*-r*"}]}]


def test_routes_with_their_authorizer_and_limits(prod: Assembly) -> None:
    routes = {route["RouteKey"]: route for route in prod.properties("AWS::ApiGatewayV2::Route")}
    (stage,) = prod.properties("AWS::ApiGatewayV2::Stage")
    assert set(routes) == {f"{entry.method} {entry.path}" for entry in catalog.ROUTES}
    assert set(stage["RouteSettings"]) == set(routes)
    for entry in catalog.ROUTES:
        key = f"{entry.method} {entry.path}"
        expected = "CUSTOM" if entry.access == "token" else "NONE"
        assert routes[key]["AuthorizationType"] == expected
        assert stage["RouteSettings"][key]["ThrottlingRateLimit"] == entry.rate_per_second
        assert stage["RouteSettings"][key]["ThrottlingBurstLimit"] == entry.burst
    (authorizer,) = prod.properties("AWS::ApiGatewayV2::Authorizer")
    assert not authorizer.get("IdentitySource")  # with one, API Gateway answers who sends none by itself
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0


def test_workflows_secrets_the_bus_and_the_bucket(prod: Assembly) -> None:
    machines = {each["StateMachineName"] for each in prod.properties("AWS::StepFunctions::StateMachine")}
    assert machines == {f"usher-prod-{entry.name}" for entry in catalog.WORKFLOWS}
    secrets = {each["Name"] for each in prod.properties("AWS::SecretsManager::Secret")}
    assert secrets == {f"usher/prod/{name}" for name in catalog.SECRETS}
    assert [each["Name"] for each in prod.properties("AWS::Events::EventBus")] == ["usher-prod"]
    assert len(prod.properties("AWS::S3::Bucket")) == 1


def test_every_step_of_a_workflow_is_bound_to_a_version_of_its_function(prod: Assembly) -> None:
    machines = {m["StateMachineName"]: m for m in prod.properties("AWS::StepFunctions::StateMachine")}
    for entry in catalog.WORKFLOWS:
        bound = machines[f"usher-prod-{entry.name}"]["DefinitionSubstitutions"]
        steps, queues = lambda_steps(load(entry.name)), queue_names(load(entry.name))
        assert set(bound) == {*steps, *queues}
        for step in steps:
            target = bound[step]
            function = catalog.step(step)
            name = f"usher-prod-{function.room}-{function.name}".replace("_", "-")
            assert target == f"arn:aws:lambda:us-east-1:123456789012:function:{name}:1"


def test_a_step_that_goes_through_a_queue_names_its_address(prod: Assembly) -> None:
    for machine in prod.properties("AWS::StepFunctions::StateMachine"):
        for queue in catalog.QUEUES:
            url = machine["DefinitionSubstitutions"].get(queue.placeholder)
            assert url is None or url.endswith(f"/{_queue(queue.name, queue.fifo)}"), queue.name
    (onboarding,) = [
        m
        for m in prod.properties("AWS::StepFunctions::StateMachine")
        if m["StateMachineName"].endswith("onboarding")
    ]
    assert {"CrmQueue", "MailQueue"} <= set(onboarding["DefinitionSubstitutions"])


def test_queues_are_fed_to_their_functions_in_batches_windows_and_numbers_at_a_time(prod: Assembly) -> None:
    found = {
        source["EventSourceArn"].rsplit(":", 1)[1]: source
        for source in prod.properties("AWS::Lambda::EventSourceMapping")
        if ":sqs:" in source["EventSourceArn"]
    }
    consumed = [queue for entry in catalog.QUEUES for queue in entry.consumed]
    assert set(found) == {_queue(queue.name, queue.fifo) for queue in consumed}
    for queue in consumed:
        source = found[_queue(queue.name, queue.fifo)]
        assert source["BatchSize"] == queue.batch_size
        assert source.get("MaximumBatchingWindowInSeconds", 0) == queue.batch_window_seconds
        assert source["ScalingConfig"] == {"MaximumConcurrency": queue.max_concurrency}
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert queue.batch_size <= 10 or queue.batch_window_seconds >= 1  # what Lambda asks for


def _keys(schema: list[dict[str, str]]) -> tuple[str, str | None]:
    names = {key["KeyType"]: key["AttributeName"] for key in schema}
    return names["HASH"], names.get("RANGE")


def _queue(name: str, fifo: bool) -> str:
    return f"usher-prod-{name}{'.fifo' if fifo else ''}"


def _held(projection: dict[str, Any]) -> tuple[str, ...] | None:
    """Which attributes besides keys an index holds; None for all."""
    kind = projection["ProjectionType"]
    return None if kind == "ALL" else tuple(projection["NonKeyAttributes"]) if kind == "INCLUDE" else ()
