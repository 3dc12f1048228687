"""One workflow on AWS: a Standard state machine with its log, version, alias and exact permissions."""

import json
from collections.abc import Mapping

from aws_cdk import ArnFormat, ReferenceStrength, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import catalog
from infra.aws.acknowledge import acknowledge
from infra.aws.permissions import ITEMS, item_arns, workflow_arn
from infra.aws.stages import Stage
from infra.state_machine_file import distributed, lambda_steps, load, names, queue_names, states

_FINDING = "Resource::arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:{}:*"


class Workflow(Construct):
    """`statemachines/<name>.asl.yaml` deployed.

    Args:
        functions: step name -> function version, so that an execution runs on one version of the code from
            start to end. A step the file names and this lacks is a KeyError at synth time, never a missing
            permission at run time.
        queues: catalog name -> queue.
    """

    def __init__(
        self,
        scope: Construct,
        entry: catalog.Workflow,
        *,
        stage: Stage,
        functions: Mapping[str, lambda_.IVersion],
        queues: Mapping[str, sqs.IQueue],
    ) -> None:
        super().__init__(scope, entry.name)
        document = load(entry.name)
        if unknown := names(document):
            raise document.error(f"nothing on AWS is called {', '.join(unknown)}")
        steps = {step: functions[step] for step in lambda_steps(document)}
        placeholders = {queue.placeholder: queues[queue.name] for queue in catalog.QUEUES}
        sent_to = {name: placeholders[name] for name in queue_names(document)}
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=stage.workflow(entry.name),
            definition_body=sfn.DefinitionBody.from_string(json.dumps(document)),
            definition_substitutions={step: _arn(version) for step, version in steps.items()}
            | {name: queue.queue_url for name, queue in sent_to.items()},
            logs=sfn.LogOptions(
                level=sfn.LogLevel.ERROR, destination=self._log(stage), include_execution_data=False
            ),
            tracing_enabled=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(self.machine, "SF1", "Step Functions keeps each history itself; the log holds failures.")
        acknowledge(self.machine, "IAM5[Resource::*]", "Log delivery and X-Ray know no resource.")
        self._permit([catalog.step(step) for step in steps], stage)
        if any(distributed(body) for _, body in states(document)):
            self._permit_items(stage, entry.name)
        if sent_to:
            arns = [queue.queue_arn for queue in sent_to.values()]
            self.machine.add_to_role_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=arns))
        self._publish(stage)

    def _permit(self, steps: list[catalog.Function], stage: Stage) -> None:
        """All versions of each step: executions under way still call the versions they began with."""
        arns = [
            Stack.of(self).format_arn(
                service="lambda",
                resource="function",
                resource_name=f"{stage.function(step)}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for step in steps
        ]
        self.machine.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=arns)
        )
        for step in steps:
            finding = f"IAM5[{_FINDING.format(stage.function(step))}]"
            acknowledge(self.machine, finding, "Every version of one function.")

    def _permit_items(self, stage: Stage, name: str) -> None:
        """Items of a distributed Map are executions of the machine itself, started and stopped by it.

        Made from the name, since a role that named its machine would need it first. Source:
        docs.aws.amazon.com/step-functions, "IAM policies for using Distributed Map states" (2026-11).
        """
        stack = Stack.of(self)
        self.machine.add_to_role_policy(
            iam.PolicyStatement(
                actions=["states:StartExecution"], resources=[workflow_arn(stack, stage, name)]
            )
        )
        self.machine.add_to_role_policy(
            iam.PolicyStatement(
                actions=["states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"],
                resources=[item_arns(stack, stage, name)],
            )
        )
        finding = ITEMS.format(stage.workflow(name))
        acknowledge(self.machine, f"IAM5[{finding}]", "Every item of its own Map.")

    def _publish(self, stage: Stage) -> None:
        """A version per change; `live` moves to it, and executions stay on the one they began with."""
        machine = self.machine.node.default_child
        assert isinstance(machine, sfn.CfnStateMachine)
        # cfn-lint takes a deadline for a number only; JSONata may compute one, and asl-validator checks that.
        machine.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E3601"]}})
        version = sfn.CfnStateMachineVersion(
            self,
            "Version",
            state_machine_arn=self.machine.state_machine_arn,
            state_machine_revision_id=machine.attr_state_machine_revision_id,
        )
        version.apply_removal_policy(RemovalPolicy.RETAIN)
        sfn.CfnStateMachineAlias(
            self,
            "Live",
            name="live",
            deployment_preference=sfn.CfnStateMachineAlias.DeploymentPreferenceProperty(
                state_machine_version_arn=version.attr_arn,
                alarms=[stage.alarm(self.node.id, "failed")],  # made in Watch; CloudWatch goes by the name
                **stage.workflow_shift,
            ),
        )

    def _log(self, stage: Stage) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            # This prefix keeps the account's one policy for log delivery short, whatever else logs there.
            log_group_name=f"/aws/vendedlogs/states/{self.node.id}-{stage.name}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )


def _arn(version: lambda_.IVersion) -> str:
    """Weak, because it changes with every release and an export that is in use may not change (ADR 0010)."""
    return Stack.consume_reference(version.function_arn, ReferenceStrength.WEAK)
