"""Data: what outlives code. Tables, queues, the bus, the bucket, secrets, and the key that encrypts them."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import catalog
from infra.aws.acknowledge import acknowledge
from infra.aws.filling import fill
from infra.aws.queues import Queues
from infra.aws.stages import Stage
from infra.aws.tables import Tables

# The first value an operator puts makes the placeholder the former one, which still counts while a rotation
# lasts: so it has to be of the right form, and nobody may know it.
_PLACEHOLDERS = {
    "signup_webhook": secretsmanager.SecretStringGenerator(
        password_length=64, exclude_punctuation=True, include_space=False
    ),
    "access_tokens": secretsmanager.SecretStringGenerator(
        secret_string_template="{}", generate_string_key="placeholder", exclude_punctuation=True
    ),
}


class Data(Stack):
    """All that is kept. Rooms refer to it, so CloudFormation refuses to remove what a room still uses."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, **props: Any) -> None:
        super().__init__(scope, name, description="Usher: what outlives code", **props)
        self._stage = stage
        self.key = self._key()
        self.tables = Tables(self, "Tables", stage=stage, key=self.key).by_name
        self.queues = Queues(self, "Queues", stage=stage).by_name
        self.bus = events.EventBus(self, "Bus", event_bus_name=stage.prefix)
        for rule in catalog.RULES:
            if rule.queue is not None:
                fill(self, rule, self.queues[rule.queue], self.bus, stage)
        self.bucket = self._bucket()
        self.secrets = {entry: self._secret(entry) for entry in catalog.SECRETS}

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{self._stage.prefix}",
            description="Encrypts Usher's tables, files, secrets and alarms",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsReachTheEncryptedTopic",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's own policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return key

    def _bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            catalog.BUCKET.name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(90),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        acknowledge(
            bucket, "S1", "Read and written by our functions only; CloudTrail's data events say who and when."
        )
        return bucket

    def _secret(self, name: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            name,
            secret_name=self._stage.secret(name),
            description="Holds a placeholder until an operator puts the value (docs/aws.md)",
            generate_secret_string=_PLACEHOLDERS.get(name),
            encryption_key=self.key,
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(
            secret,
            "SMG4",
            "Rotated where it is issued: an operator stores the new value, the former stays AWSPREVIOUS.",
        )
        return secret
