"""The platform on AWS: one session of boto3's core, a client per service made when it is first used."""

from functools import cache, cached_property
from typing import Any

from botocore.config import Config
from botocore.session import Session

from usher.adapters.dynamodb_store import DynamoDbStore
from usher.adapters.eventbridge_bus import EventBridgeBus
from usher.adapters.s3_blobs import S3Blobs
from usher.adapters.secrets_manager import SecretsManager
from usher.adapters.sqs_queue import SqsQueue
from usher.adapters.stepfunctions_workflows import StepFunctionsWorkflows
from usher.adapters.store_then_queue import StoreThenQueue
from usher.adapters.system_clock import SystemClock
from usher.settings import Settings

# Workflows and queues own the retries, so the SDK makes none; a call is shorter than any function's timeout.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
# The store builds every attribute value itself; checking them again is a third of a transaction's CPU.
UNCHECKED = CONFIG.merge(Config(parameter_validation=False))


class AwsPlatform:
    """Implements usher.ports.platform.Platform. Making one is free: it calls nobody until it is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.client = cache(self._client)  # service name -> its client, as boto3 makes it too

    @cached_property
    def _session(self) -> Session:
        return Session()  # not boto3's, which loads its S3 transfers and resources first (docs/adr/0020)

    def _client(self, service: str) -> Any:
        config = UNCHECKED if service == "dynamodb" else CONFIG
        return self._session.create_client(service, region_name=self._settings.region, config=config)

    @cached_property
    def store(self) -> DynamoDbStore:
        return DynamoDbStore(self.client("dynamodb"), self._settings)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(self.client("sqs"), self._settings)

    @cached_property
    def keeper(self) -> StoreThenQueue:
        return StoreThenQueue(self.store, self.queue)

    @cached_property
    def bus(self) -> EventBridgeBus:
        return EventBridgeBus(self.client("events"), self._settings)

    @cached_property
    def workflows(self) -> StepFunctionsWorkflows:
        return StepFunctionsWorkflows(self.client("stepfunctions"), self._settings)

    @cached_property
    def blobs(self) -> S3Blobs:
        return S3Blobs(self.client("s3"), self._settings)

    @cached_property
    def secrets(self) -> SecretsManager:
        return SecretsManager(self.client("secretsmanager"), self._settings)

    @cached_property
    def clock(self) -> SystemClock:
        return SystemClock()
