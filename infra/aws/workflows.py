"""Workflows: the catalog's state machines, in a stack that follows the rooms' new versions."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import catalog
from infra.aws.stages import Stage
from infra.aws.workflow import Workflow


class Workflows(Stack):
    """One state machine per catalog entry whose file exists."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        functions: Mapping[str, lambda_.IVersion],
        queues: Mapping[str, sqs.IQueue],
        **props: Any,
    ) -> None:
        super().__init__(scope, name, description="Usher: workflows", **props)
        self.by_name = {
            entry.name: Workflow(self, entry, stage=stage, functions=functions, queues=queues)
            for entry in catalog.WORKFLOWS
        }
