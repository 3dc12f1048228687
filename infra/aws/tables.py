"""The catalog's tables on DynamoDB: encrypted with our key, recoverable, kept when their stack goes."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import catalog
from infra.aws.stages import Stage

_CHANGES = [
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
]


class Tables(Construct):
    """One table per catalog entry, in `by_name`.

    Names are fixed: were a change of keys ever to replace a table, CloudFormation must refuse it rather
    than put an empty table in its place.
    """

    def __init__(self, scope: Construct, name: str, *, stage: Stage, key: kms.IKey) -> None:
        super().__init__(scope, name)
        self._stage = stage
        self._key = key
        self.by_name = {entry.name: self._table(entry) for entry in catalog.TABLES}

    def _table(self, entry: catalog.Table) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            entry.name,
            table_name=self._stage.table(entry.name),
            partition_key=_text(entry.partition),
            sort_key=_sort(entry),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self._key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
            time_to_live_attribute=entry.expires,
            stream=dynamodb.StreamViewType.NEW_IMAGE if entry.streamed else None,
            resource_policy=self._never_changed(entry) if entry.append_only else None,
        )
        for index in entry.indexes:
            table.add_global_secondary_index(
                index_name=index.name,
                partition_key=_text(index.partition),
                sort_key=_text(index.sort) if index.sort else None,
                projection_type=_projection(index),
                non_key_attributes=list(index.projects) if index.projects else None,
            )
        return table

    def _never_changed(self, entry: catalog.Table) -> iam.PolicyDocument:
        """Nobody updates or deletes, whatever their own policy says.

        A put may still replace an item: that is refused by the condition every writer sends.
        """
        arn = Stack.of(self).format_arn(
            service="dynamodb",
            resource="table",
            resource_name=self._stage.table(entry.name),
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        return iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    sid="AppendOnly",
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=_CHANGES,
                    resources=[arn],
                )
            ]
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _sort(entry: catalog.Table) -> dynamodb.Attribute | None:
    if entry.sort is None:
        return None
    kind = dynamodb.AttributeType.NUMBER if entry.sort_is_number else dynamodb.AttributeType.STRING
    return dynamodb.Attribute(name=entry.sort, type=kind)


def _projection(index: catalog.Index) -> dynamodb.ProjectionType:
    if index.projects is None:
        return dynamodb.ProjectionType.ALL
    return dynamodb.ProjectionType.INCLUDE if index.projects else dynamodb.ProjectionType.KEYS_ONLY
