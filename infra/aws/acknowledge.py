"""How a construct answers a finding of cdk-nag: with the rule's id and the reason it does not apply."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept `rule` (no `AwsSolutions-` prefix, a finding in brackets) for the construct and all inside."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
