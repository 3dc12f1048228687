"""Gradual shift: how a room's HTTP and queue functions come to new code, and go back from it (G1)."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.aws.acknowledge import acknowledge
from infra.aws.function import Function
from infra.aws.stages import Stage


class Shift(Construct):
    """One CodeDeploy application and role for a room; one group per function."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage) -> None:
        super().__init__(scope, name)
        self._stage = stage
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        self._role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]))
        acknowledge(
            self._role, "IAM5[Resource::*]", "CodeDeploy lists alarms; the managed policy allows far more."
        )

    def add(self, function: Function) -> None:
        """Move `live` to a new version a part at a time; errors of the new version take it back."""
        arn = function.function.function_arn
        self._role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
                # Not the alias's own ARN: the alias waits for the group, and the group for this policy.
                resources=[arn, f"{arn}:live"],
            )
        )
        group = codedeploy.LambdaDeploymentGroup(
            function,
            "Shift",
            application=self._application,
            alias=function.live,
            deployment_config=self._stage.function_shift,
            role=self._role.without_policy_updates(),  # else CDK attaches the managed policy
            alarms=[self._errors(function)],
        )
        group.node.add_dependency(self._role)  # its policy too: CodeDeploy starts at once

    def _errors(self, function: Function) -> cloudwatch.Alarm:
        alarm = function.live.metric_errors(period=Duration.minutes(1)).create_alarm(
            function,
            "ShiftErrors",
            alarm_description="New code fails; CodeDeploy goes back to the former version",
            threshold=self._stage.errors_before_alarm,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        return alarm
