"""Stages: dev, staging and prod, and the few things in which they differ."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_logs as logs

from infra import catalog


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of everything. Tables are kept, protected and recoverable in every stage.

    `shifts_gradually`: new code first takes a tenth of the calls and is taken back by an alarm.
    `masks_logs`: CloudWatch masks e-mail addresses that reach a log in spite of us (paid per GB).
    `errors_before_alarm`: function errors in five minutes that page; each retried vendor error counts as one.
    """

    name: str
    log_retention: logs.RetentionDays
    shifts_gradually: bool
    masks_logs: bool
    errors_before_alarm: int
    oldest_message: Duration

    @property
    def prefix(self) -> str:
        """What every physical name of the stage begins with."""
        return f"usher-{self.name}"

    @property
    def function_shift(self) -> codedeploy.ILambdaDeploymentConfig:
        if self.shifts_gradually:
            return codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES
        return codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE

    @property
    def workflow_shift(self) -> dict[str, Any]:
        """How a state machine's alias moves to a new version; the interval is in minutes."""
        if self.shifts_gradually:
            return {"type": "CANARY", "percentage": 10, "interval": 10}
        return {"type": "ALL_AT_ONCE"}

    def table(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def queue(self, name: str, *, fifo: bool = False) -> str:
        return f"{self.prefix}-{name}{'.fifo' if fifo else ''}"

    def function(self, entry: catalog.Function) -> str:
        return f"{self.prefix}-{entry.room}-{entry.name}".replace("_", "-")

    def workflow(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def alarm(self, subject: str, what: str) -> str:
        return f"{self.prefix}-{subject}-{what}".replace("/", "-").replace("_", "-")

    def secret(self, name: str) -> str:
        return f"usher/{self.name}/{name}"


STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="dev",
            log_retention=logs.RetentionDays.ONE_WEEK,
            shifts_gradually=False,
            masks_logs=False,
            errors_before_alarm=25,
            oldest_message=Duration.minutes(15),
        ),
        Stage(
            name="staging",
            log_retention=logs.RetentionDays.ONE_MONTH,
            shifts_gradually=True,
            masks_logs=True,
            errors_before_alarm=10,
            oldest_message=Duration.minutes(10),
        ),
        Stage(
            name="prod",
            log_retention=logs.RetentionDays.THREE_MONTHS,
            shifts_gradually=True,
            masks_logs=True,
            errors_before_alarm=5,
            oldest_message=Duration.minutes(5),
        ),
    )
}


class UnknownStage(ValueError):
    """The context asks for a stage that does not exist."""


def stage_named(name: str) -> Stage:
    """The stage of this name. Raises UnknownStage."""
    try:
        return STAGES[name]
    except KeyError as error:
        raise UnknownStage(f"no stage {name!r}: use -c stage={'|'.join(STAGES)}") from error
