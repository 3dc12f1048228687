"""Admission: how fast vendors may be called, as integer arithmetic on moments (GCRA, docs/admission.md).

Moments and spans are microseconds, moments since 1970. A bucket's line is the moment its next slot stands
at: whoever takes n slots moves it on by n intervals.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Lane: TypeAlias = Literal["main", "reserved", "background"]

SECOND = 1_000_000
FULL_PACE = 100  # a strain in percent: intervals at 200 are twice as long
MOST_STRAIN = 800
CUT = (5, 4)  # each refusal by the vendor makes intervals 5/4 as long: multiplicative decrease
EASES_PER_SECOND = 2  # points of strain: from one cut back to full pace in 13 seconds


class Rate(BaseModel):
    """So many calls in so many seconds, evenly spaced; `burst` of them may come ahead of their slot.

    In any window of `seconds` there are at most `calls + burst + 1` calls.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    calls: int = Field(ge=1)
    seconds: int = Field(default=1, ge=1)
    burst: int = Field(default=0, ge=0)

    @property
    def interval(self) -> int:
        """From one slot to the next, rounded up so that the rate is never exceeded."""
        return -(-self.seconds * SECOND // self.calls)

    @property
    def tolerance(self) -> int:
        """How much before its slot a call may come."""
        return self.burst * self.interval


class Rates(BaseModel):
    """The rates of one kind of deployment, by bucket; `vendor:*` is every endpoint's without its own."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    reserved_percent: int = Field(default=20, ge=1, le=99)
    background_percent: int = Field(default=25, ge=1, le=99)
    buckets: Mapping[str, Rate] = {}

    def of(self, bucket: str) -> Rate | None:
        """The bucket's rate; None when it has no limit."""
        return self.buckets.get(bucket) or self.buckets.get(f"{bucket.partition(':')[0]}:*")

    def lane_interval(self, rate: Rate, lane: Lane) -> int:
        """From one call of the lane to its next: each lane has its share of the rate to itself.

        `background` has none: it takes so much at most, and only while nobody else wants it.
        """
        shares: dict[Lane, int] = {
            "main": 100 - self.reserved_percent,
            "reserved": self.reserved_percent,
            "background": self.background_percent,
        }
        return -(-rate.interval * 100 // shares[lane])


class Limits(BaseModel):
    """policies/limits.yaml: on one machine nothing but our own stand-ins is called."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    local: Rates
    deployed: Rates

    def of(self, stage: str) -> Rates:
        """The rates that hold in a stage."""
        return self.local if stage == "local" else self.deployed


def strain(told: int, at: int, now: int) -> int:
    """What is left at `now` of a strain told at `at`, in percent: it eases evenly down to full pace."""
    return max(FULL_PACE, told - max(0, now - at) * EASES_PER_SECOND // SECOND)


def strained(present: int) -> int:
    """The strain after one more refusal by the vendor."""
    return min(MOST_STRAIN, -(-present * CUT[0] // CUT[1]))


def surplus(interval: int, present: int) -> int:
    """How much longer than its interval a call takes up its bucket under this strain."""
    return interval * (present - FULL_PACE) // 100
