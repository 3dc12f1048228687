"""Services of the operator API: records to read and to change."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.ports.platform import Platform
from usher.records.signups import Signups


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """What operator routes need."""

    signups: Signups


@per_platform
def services(platform: Platform) -> OperationsServices:
    return OperationsServices(Signups(platform.store))
