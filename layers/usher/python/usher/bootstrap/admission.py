"""Admission of vendor calls by the buckets in the store; what was booked ahead does not pay twice."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import limits
from usher.domain.admission import Lane
from usher.domain.errors import RateLimited
from usher.ports.admission import Admission
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.buckets import Buckets
from usher.settings import settings
from usher.usecases.account_pace import AccountPace
from usher.usecases.dispatch_signup import BOOKED

_first_try: ContextVar[bool] = ContextVar("first_try", default=False)


@contextmanager
def trying(retry_count: int) -> Iterator[None]:
    """Inside, a step is tried after `retry_count` tries; what the first one calls was booked by dispatch."""
    token = _first_try.set(retry_count == 0)
    try:
        yield
    finally:
        _first_try.reset(token)


class BucketAdmission:
    """Implements usher.ports.admission.Admission for one lane."""

    def __init__(self, buckets: Buckets, clock: Clock, lane: Lane) -> None:
        self._buckets = buckets
        self._clock = clock
        self._lane: Lane = lane

    def call(self, *buckets: str) -> AbstractContextManager[None]:
        return self._call(buckets)

    @contextmanager
    def _call(self, buckets: tuple[str, ...]) -> Iterator[None]:
        limited = self._buckets.limited(buckets)
        if limited and not (_first_try.get() and limited[-1] in BOOKED):
            wait = max(self._buckets.pass_line(bucket, self._lane) for bucket in limited)
            if wait:
                self._clock.sleep(wait)
        try:
            yield
        except RateLimited as error:
            if limited:
                self._buckets.refused(limited[-1], retry_after=error.retry_after)
            raise


def buckets(platform: Platform) -> Buckets:
    """The buckets of this deployment's stage."""
    return Buckets(platform.store, limits().of(settings().stage), platform.clock)


def admission(platform: Platform, lane: Lane = "main") -> Admission:
    """For an adapter; `reserved` for what dunning and operators call."""
    return BucketAdmission(buckets(platform), platform.clock, lane)


@per_platform
def pace(platform: Platform) -> AccountPace:
    """How often one account may be asked about, counted by this process."""
    return AccountPace(buckets(platform))
