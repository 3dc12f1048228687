"""Reads the synthesized templates and works out what CloudFormation would put for each reference."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

REGION = "us-east-1"
ACCOUNT = "123456789012"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


@dataclass(frozen=True)
class Resource:
    """One resource of one stack, its properties with every reference worked out on demand."""

    assembly: "Assembly"
    stack: str
    logical_id: str
    body: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @cached_property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.assembly.resolve(self.stack, self.body.get("Properties", {}))
        return found

    @property
    def where(self) -> str:
        return f"{self.stack}/{self.logical_id}"

    def named(self, name: str) -> Any:
        return self.assembly.resolve(self.stack, self.body["Properties"][name])


class Assembly:
    """The output of one synthesis."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates: dict[str, dict[str, Any]] = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(folder.glob("*.template.json"))
        }
        self._exports = {
            self.resolve(stack, output["Export"]["Name"]): (stack, output["Value"])
            for stack, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def all(self, kind: str | None = None) -> Iterator[Resource]:
        return (each for each in self._resources.values() if kind is None or each.type == kind)

    @cached_property
    def _resources(self) -> dict[tuple[str, str], Resource]:
        return {
            (stack, logical_id): Resource(self, stack, logical_id, body)
            for stack, template in self.templates.items()
            for logical_id, body in template["Resources"].items()
        }

    def properties(self, kind: str) -> list[dict[str, Any]]:
        return [resource.properties for resource in self.all(kind)]

    def resolve(self, stack: str, node: Any) -> Any:
        """The value a deployment would see. Raises KeyError for a reference that leads nowhere."""
        if isinstance(node, list):
            return [self.resolve(stack, each) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            function = self._functions.get(name)
            if function:
                return function(stack, argument)
        return {key: self.resolve(stack, value) for key, value in node.items()}

    @cached_property
    def _functions(self) -> dict[str, Callable[[str, Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": self._import,
            "Fn::GetStackOutput": self._output,
            "Fn::Join": lambda stack, it: it[0].join(map(str, self.resolve(stack, it[1]))),
            "Fn::Split": lambda stack, it: str(self.resolve(stack, it[1])).split(it[0]),
            "Fn::Select": lambda stack, it: self.resolve(stack, it[1])[int(it[0])],
            "Fn::Sub": self._sub,
        }

    def _import(self, stack: str, name: Any) -> Any:
        home, value = self._exports[self.resolve(stack, name)]
        return self.resolve(home, value)

    def _output(self, stack: str, argument: dict[str, str]) -> Any:
        home = self.resolve(stack, argument["StackName"])
        return self.resolve(home, self.templates[home]["Outputs"][argument["OutputName"]]["Value"])

    def _sub(self, stack: str, text: str) -> str:
        for name, value in _PSEUDO.items():
            text = text.replace(f"${{{name}}}", str(value))
        return text

    def _ref(self, stack: str, logical_id: str) -> Any:
        if logical_id in _PSEUDO:
            return _PSEUDO[logical_id]
        parameters = self.templates[stack].get("Parameters", {})
        if logical_id in parameters:
            return parameters[logical_id].get("Default", f"<{logical_id}>")
        resource = self._resource(stack, logical_id)
        if resource.type == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{resource.named('QueueName')}"
        if resource.type in _REF_IS_ARN:
            return self._attribute(stack, [logical_id, "Arn"])
        return resource.named(_NAMES[resource.type]) if resource.type in _NAMES else logical_id

    def _attribute(self, stack: str, argument: list[str]) -> str:
        logical_id, attribute = argument
        resource = self._resource(stack, logical_id)
        if attribute == "Arn":
            return _ARNS[resource.type](resource)
        if attribute == "StreamArn":
            return f"{_ARNS[resource.type](resource)}/stream/2026-01-01T00:00:00.000"
        if attribute == "Version":
            return "1"
        return f"{logical_id}.{attribute}"

    def _resource(self, stack: str, logical_id: str) -> Resource:
        return self._resources[stack, logical_id]


_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
}
_REF_IS_ARN = {
    "AWS::Lambda::Alias",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}
_ARNS: dict[str, Callable[[Resource], str]] = {
    "AWS::DynamoDB::Table": lambda r: arn("dynamodb", f"table/{r.named('TableName')}"),
    "AWS::Events::EventBus": lambda r: arn("events", f"event-bus/{r.named('Name')}"),
    "AWS::Events::Rule": lambda r: arn("events", f"rule/{r.named('Name')}"),
    "AWS::IAM::Role": lambda r: f"arn:aws:iam::{ACCOUNT}:role/{r.logical_id}",
    "AWS::KMS::Key": lambda r: arn("kms", f"key/{r.logical_id}"),
    "AWS::Lambda::Alias": lambda r: arn("lambda", f"function:{r.named('FunctionName')}:{r.named('Name')}"),
    "AWS::Lambda::Function": lambda r: arn("lambda", f"function:{r.named('FunctionName')}"),
    "AWS::Lambda::LayerVersion": lambda r: arn("lambda", f"layer:{r.logical_id}:1"),
    "AWS::Lambda::Version": lambda r: arn("lambda", f"function:{r.named('FunctionName')}:1"),
    "AWS::Logs::LogGroup": lambda r: arn("logs", f"log-group:{r.named('LogGroupName')}:*"),
    "AWS::S3::Bucket": lambda r: f"arn:aws:s3:::{r.logical_id.lower()}",
    "AWS::SNS::Topic": lambda r: arn("sns", r.named("TopicName")),
    "AWS::SQS::Queue": lambda r: arn("sqs", r.named("QueueName")),
    "AWS::SecretsManager::Secret": lambda r: arn("secretsmanager", f"secret:{r.named('Name')}-AbCdEf"),
    "AWS::StepFunctions::StateMachine": lambda r: arn(
        "states", f"stateMachine:{r.named('StateMachineName')}"
    ),
    "AWS::StepFunctions::StateMachineVersion": lambda r: f"{r.named('StateMachineArn')}:1",
}


def rendered(machine: dict[str, Any]) -> dict[str, Any]:
    """A state machine's definition as Step Functions reads it: its substitutions filled in."""
    text: str = machine["DefinitionString"]
    for name, value in machine["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", value)
    definition: dict[str, Any] = json.loads(text)
    return definition
