"""Services of the operator API: reads of records, and who a token speaks for."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.ports.platform import Platform
from usher.ports.secrets import Secrets
from usher.records.signups import Signups


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """What operator routes need."""

    signups: Signups
    secrets: Secrets


@per_platform
def services(platform: Platform) -> OperationsServices:
    return OperationsServices(Signups(platform.store), platform.secrets)
