"""What calls a function with records: the catalog's queues and streams."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources

from infra import catalog
from infra.aws.data import Data
from infra.aws.function import Function
from infra.aws.permissions import stream_statements
from infra.aws.queues import DeadLetters
from infra.aws.stages import Stage


def consume(function: Function, queue: catalog.Queue, data: Data) -> None:
    """Feed the queue to the function's `live`; it answers per message which ones failed."""
    function.live.add_event_source(
        sources.SqsEventSource(
            data.queues[queue.name],
            batch_size=queue.batch_size,
            max_batching_window=Duration.seconds(queue.batch_window_seconds)
            if queue.batch_window_seconds
            else None,
            max_concurrency=queue.max_concurrency,
            report_batch_item_failures=True,
        )
    )


def follow(function: Function, stream: catalog.Stream, data: Data, stage: Stage) -> None:
    """Feed a table's changes to the function's `live`; a batch given up leaves its place in the stream."""
    stack = Stack.of(function)
    for statement in stream_statements(stack, data, stream.table):
        function.role.add_to_policy(statement)
    function.live.add_event_source_mapping(
        f"{stream.table}-stream",
        event_source_arn=data.tables[stream.table].table_stream_arn,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=stream.batch_size,
        retry_attempts=stream.max_attempts,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        on_failure=sources.SqsDlq(DeadLetters(function, stage=stage, name=stream.dead_letters)),
    )
