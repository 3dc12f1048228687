"""The body of POST /v1/usage: its fields, and what makes a record one that is not counted."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from usher.domain import times
from usher.domain.problems import FieldError
from usher.domain.usage import UsagePolicy
from usher.records.usage_shares import UsageRecord
from usher.usecases.fields import Body
from usher.usecases.moments import Moment

MOST_RECORDS = 1000
MOST_QUANTITY = 10**12
_CLOSED = "closed"


class UsageRecordBody(UsageRecord):
    """What is kept, as strictly as it is taken; its moment comes out in UTC."""

    model_config = Body.model_config

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:|@/-]{1,128}$")]
    account_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    metric: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    quantity: Annotated[int, Field(ge=0, le=MOST_QUANTITY)]
    recorded_at: Annotated[Moment, AfterValidator(lambda said: times.text(times.moment(said)))]


class UsageBody(Body):
    records: Annotated[list[UsageRecordBody], Field(min_length=1, max_length=MOST_RECORDS)]


def refusals(
    records: Sequence[UsageRecord],
    *,
    accounts: Mapping[str, str],
    metrics: Collection[str],
    policy: UsagePolicy,
    now: datetime,
) -> Iterator[FieldError]:
    """Of each record that cannot be counted: its field, and what to do. `accounts`: their status."""
    latest, earliest = times.text(now + policy.ahead), times.text(now - policy.oldest)
    for at, record in enumerate(records):
        status = accounts.get(record.account_id)
        if status is None:
            yield _error(at, "account_id", "is not an account of ours: send the account_id that we gave you")
        elif status == _CLOSED:
            yield _error(at, "account_id", "is a closed account, which uses nothing: leave the record out")
        if record.metric not in metrics:
            known = ", ".join(sorted(metrics))
            yield _error(at, "metric", f"is not counted here: send one of {known}, or add it to the plans")
        if record.recorded_at > latest:
            ahead = f"more than {policy.ahead_seconds} s ahead of our clock"
            yield _error(at, "recorded_at", f"lies in the future, {ahead}: check yours and send it later")
        elif record.recorded_at < earliest:
            days = f"is more than {policy.oldest_days} days ago"
            yield _error(at, "recorded_at", f"{days}, too late to be billed: leave the record out")


def _error(at: int, field: str, message: str) -> FieldError:
    return FieldError(f"records.{at}.{field}", message)
