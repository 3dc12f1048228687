"""The catalog's queues on SQS, and the dead-letter queue every source of events has."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import catalog
from infra.aws.acknowledge import acknowledge
from infra.aws.stages import Stage

_TWO_WEEKS = Duration.days(14)  # the longest SQS keeps a message: time for a person to look


def visibility_seconds(entry: catalog.Queue) -> int:
    """How long a message stays hidden: as Lambda asks, at least six times its consumer's timeout.

    One machine keeps the catalog's shorter time, because there a consumer that died is known to be dead.
    """
    return max(entry.visibility_seconds, 6 * catalog.function(entry.consumer).timeout_seconds)


class DeadLetters(sqs.Queue):
    """Where events go that could not be handled; Watch pages on the first one.

    Args:
        source: the queue that may move messages here and take them back; None for other sources.
        visibility: how long a message stays hidden from others that was handed to a consumer.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage: Stage,
        name: str,
        fifo: bool = False,
        source: str | None = None,
        visibility: Duration | None = None,
    ) -> None:
        super().__init__(
            scope,
            name,
            queue_name=stage.queue(name, fifo=fifo),
            fifo=fifo or None,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_TWO_WEEKS,
            visibility_timeout=visibility,
            redrive_allow_policy=_allow(scope, name, source),
        )
        if source is None:
            acknowledge(self, "SQS3", "It is a dead-letter queue itself; an alarm watches its depth.")


class Queues(Construct):
    """One queue with its dead-letter queue per catalog entry; in `by_name` those that feed a function."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage) -> None:
        super().__init__(scope, name)
        self.by_name: dict[str, sqs.Queue] = {}
        for entry in catalog.QUEUES:
            self._queue(stage, entry)

    def _queue(self, stage: Stage, entry: catalog.Queue) -> None:
        physical = stage.queue(entry.name, fifo=entry.fifo)
        _, *fed = entry.consumed
        dead = DeadLetters(
            self,
            stage=stage,
            name=entry.dead_letters,
            fifo=entry.fifo,
            source=physical,
            visibility=Duration.seconds(visibility_seconds(fed[0])) if fed else None,
        )
        if fed:
            self.by_name[entry.dead_letters] = dead
        self.by_name[entry.name] = sqs.Queue(
            self,
            entry.name,
            queue_name=physical,
            fifo=entry.fifo or None,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_TWO_WEEKS,
            visibility_timeout=Duration.seconds(visibility_seconds(entry)),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=entry.max_receives),
        )


def _allow(scope: Construct, name: str, source: str | None) -> sqs.RedriveAllowPolicy:
    if source is None:
        return sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL)
    # By name, not by reference: the source names its dead-letter queue, so this one cannot wait for it.
    arn = Stack.of(scope).format_arn(service="sqs", resource=source, arn_format=ArnFormat.NO_RESOURCE_NAME)
    return sqs.RedriveAllowPolicy(
        redrive_permission=sqs.RedrivePermission.BY_QUEUE,
        source_queues=[sqs.Queue.from_queue_arn(scope, f"{name}-source", arn)],
    )
