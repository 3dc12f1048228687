"""The secrets port on AWS Secrets Manager, with a small cache so that a hot function asks rarely."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from usher.adapters.aws_errors import code, outages
from usher.domain.errors import NotFound
from usher.settings import Settings, physical

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEEP_SECONDS = 300  # how long a rotated secret may go unnoticed; its former value is valid much longer

_ABSENT = {"ResourceNotFoundException"}


class SecretsManager:
    """Implements usher.ports.secrets.Secrets. Raises StoreUnavailable during an outage.

    Args:
        client: a Secrets Manager client.
        settings: where the secrets' ARNs are.
        ticks: seconds that only grow, to know how old a cached value is.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        settings: Settings,
        *,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._ticks = ticks
        self._cache: dict[tuple[str, str], tuple[float, str | None]] = {}  # (name, stage) -> (until, value)

    def get(self, name: str) -> str:
        value = self._staged(name, "AWSCURRENT")
        if value is None:
            raise NotFound(f"the secret {name} has no value; put one into Secrets Manager")
        return value

    def active(self, name: str) -> tuple[str, ...]:
        current, former = self.get(name), self._staged(name, "AWSPREVIOUS")
        return (current,) if former is None else (current, former)

    def _staged(self, name: str, stage: str) -> str | None:
        until, value = self._cache.get((name, stage), (0.0, None))
        if self._ticks() < until:
            return value
        value = self._fetch(physical(self._settings, "secrets", name), stage)
        self._cache[name, stage] = (self._ticks() + KEEP_SECONDS, value)
        return value

    def _fetch(self, arn: str, stage: str) -> str | None:
        try:
            with outages("Secrets Manager"):
                return self._client.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"]
        except ClientError as error:
            if code(error) in _ABSENT:
                return None
            raise
