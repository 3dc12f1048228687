"""Watch: the alarms that say something needs a person, and the one topic they speak to (E4)."""

from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import catalog
from infra.aws.data import Data
from infra.aws.stages import Stage
from usher.bootstrap.filing import FILED
from usher.bootstrap.metrics import NAMESPACE, PAID_TO_ACTIVE
from usher.bootstrap.parking import PARKED
from usher.bootstrap.reconciliations import ALARMS

SLOWEST_ACTIVATION = 60_000  # milliseconds from a link's payment to the active account


class Watch(Stack):
    """Alarms on the names of what they watch, so that no release of a room has to touch them."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, data: Data, api_id: str, **props: Any
    ) -> None:
        super().__init__(scope, name, description="Usher: alarms", **props)
        self._usher = stage
        self.topic = sns.Topic(
            self, "Alarms", topic_name=f"{stage.prefix}-alarms", master_key=data.key, enforce_ssl=True
        )
        self._watch_queues()
        self._watch_streams()
        self._watch_workflows()
        self._watch_functions()
        self._alarm("events", "parked", NAMESPACE, PARKED, {"stage": stage.name}, 1)
        self._alarm("failures", "filed", NAMESPACE, FILED, {"stage": stage.name}, 1)
        self._alarm("reconciliation", "mismatches", NAMESPACE, ALARMS, {"stage": stage.name}, 1)
        self._alarm(
            "payment-links",
            "slow",
            NAMESPACE,
            PAID_TO_ACTIVE,
            {"stage": stage.name},
            SLOWEST_ACTIVATION,
            statistic="Maximum",
        )
        self._alarm("http", "5xx", "AWS/ApiGateway", "5xx", {"ApiId": api_id}, 5)

    def _watch_queues(self) -> None:
        for entry in catalog.QUEUES:
            self._dead_letters(entry.dead_letters, fifo=entry.fifo)
            self._alarm(
                entry.name,
                "age",
                "AWS/SQS",
                "ApproximateAgeOfOldestMessage",
                {"QueueName": self._usher.queue(entry.name, fifo=entry.fifo)},
                self._usher.oldest_message.to_seconds(),
                statistic="Maximum",
            )
        for source in (*catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES):
            self._dead_letters(source.dead_letters)

    def _dead_letters(self, name: str, *, fifo: bool = False) -> None:
        self._alarm(
            name,
            "depth",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": self._usher.queue(name, fifo=fifo)},
            1,
            statistic="Maximum",
        )

    def _watch_streams(self) -> None:
        for entry in catalog.STREAMS:
            function = self._usher.function(catalog.function(entry.consumer))
            self._alarm(
                f"{entry.table}-stream",
                "age",
                "AWS/Lambda",
                "IteratorAge",
                {"FunctionName": function, "Resource": f"{function}:live"},
                self._usher.oldest_message.to_milliseconds(),
                statistic="Maximum",
            )

    def _watch_workflows(self) -> None:
        for entry in catalog.WORKFLOWS:
            arn = self.format_arn(
                service="states",
                resource="stateMachine",
                resource_name=self._usher.workflow(entry.name),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for what in ("Failed", "TimedOut", "Aborted", "Throttled"):
                metric = "ExecutionThrottled" if what == "Throttled" else f"Executions{what}"
                self._alarm(entry.name, what.lower(), "AWS/States", metric, {"StateMachineArn": arn}, 1)

    def _watch_functions(self) -> None:
        for entry in catalog.FUNCTIONS:
            of = {"FunctionName": self._usher.function(entry)}
            self._alarm(entry.path, "errors", "AWS/Lambda", "Errors", of, self._usher.errors_before_alarm)
            self._alarm(entry.path, "throttles", "AWS/Lambda", "Throttles", of, 1)

    def _alarm(
        self,
        subject: str,
        what: str,
        namespace: str,
        metric: str,
        dimensions: dict[str, str],
        threshold: float,
        statistic: str = "Sum",
    ) -> None:
        alarm = cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric,
            dimensions_map=dimensions,
            statistic=statistic,
            period=Duration.minutes(5),
        ).create_alarm(
            self,
            f"{subject}-{what}",
            alarm_name=self._usher.alarm(subject, what),
            alarm_description=f"{subject}: {metric} (docs/aws.md says what to do)",
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
