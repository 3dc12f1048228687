"""How a construct answers a finding of cdk-nag: with the rule's id and the reason it does not apply."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept `rule` (without its `AwsSolutions-` prefix, findings in brackets) for the construct and what it holds."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
