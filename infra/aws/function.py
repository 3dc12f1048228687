"""One function of the catalog on Lambda: its code, its role, its log, a version and the alias `live`."""

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import catalog
from infra.aws.acknowledge import acknowledge
from infra.aws.bundling import RUNTIME, code, copied
from infra.aws.data import Data
from infra.aws.environment import environment
from infra.aws.layers import Layers
from infra.aws.lock_layers import ROOT
from infra.aws.permissions import EXECUTIONS, FILES, statements
from infra.aws.stages import Stage
from infra.traced import traced


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room's functions are deployed and what they may be given."""

    stage: Stage
    data: Data
    layers: Layers
    bundle: bool


class Function(Construct):
    """`functions/<room>/<name>.py` deployed.

    Nobody calls the function unqualified: workflows call `version`, so that an execution runs on one version
    of the code from start to end; everything else calls `live`. Old versions are kept for those executions.
    """

    def __init__(self, scope: Construct, entry: catalog.Function, place: Place) -> None:
        super().__init__(scope, entry.name)
        self.entry = entry
        stage = place.stage
        name = stage.function(entry)
        log = _log(self, stage, f"/aws/lambda/{name}")
        self.role = self._role(log, place)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=f"Usher: {entry.path}",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            # The asset unpacks to functions/<room>/, so the module has one name here and on one machine.
            code=code(
                ROOT / "functions" / entry.room,
                copied(ROOT / "functions" / entry.room, f"functions/{entry.room}"),
                bundle=place.bundle,
            ),
            handler=f"functions.{entry.room}.{entry.name}.handler",
            layers=place.layers.of(entry),
            role=self.role,
            log_group=log,
            environment=environment(Stack.of(self), stage, place.data, entry),
            timeout=Duration.seconds(entry.timeout_seconds),
            memory_size=entry.memory_mb,
            reserved_concurrent_executions=entry.reserved_concurrency,
            # START, END and REPORT of each call are half of what a sign-up would log; metrics say the same
            # (ADR 0090). What fails is still told: those lines are warnings and errors.
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE if entry.path in traced() else lambda_.Tracing.PASS_THROUGH,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        acknowledge(
            self.function,
            "L1",
            "Python 3.13, the version the layers are built for; 3.14 follows as one change.",
        )
        self.version = self.function.current_version
        self.live = lambda_.Alias(self, "Live", alias_name="live", version=self.version)

    def _role(self, log: logs.ILogGroup, place: Place) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        for statement in statements(Stack.of(self), place.stage, place.data, self.entry):
            role.add_to_policy(statement)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log.log_group_arn]
            )
        )
        acknowledge(role, "IAM5[Resource::*]", "X-Ray's two Put actions know no resource.")
        for workflow in self.entry.redrives:
            finding = EXECUTIONS.format(place.stage.workflow(workflow))
            acknowledge(role, f"IAM5[{finding}]", "Any execution of this workflow may need it.")
        if self.entry.files:
            acknowledge(
                role, f"IAM5[{FILES.format(place.stage.prefix)}]", "Which files there are, code says."
            )
        return role


def _log(scope: Construct, stage: Stage, name: str) -> logs.LogGroup:
    masked = logs.DataProtectionPolicy(identifiers=[logs.DataIdentifier.EMAILADDRESS])
    return logs.LogGroup(
        scope,
        "Log",
        log_group_name=name,
        retention=stage.log_retention,
        removal_policy=RemovalPolicy.DESTROY,
        data_protection_policy=masked if stage.masks_logs else None,
    )
