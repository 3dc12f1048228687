"""Two lists of the same objects, the vendor's and ours: cut into slices, and joined page by page.

Both lists come newest first, whole seconds apart at best, and in any order within one second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.reconciliation import ObjectKind, Side

# A slice is a day, in a longer window a week, in a still longer one a month: a run has some dozens.
IN_DAYS, IN_WEEKS = timedelta(days=14), timedelta(days=100)


class Slice(BaseModel):
    """The objects of one kind that were created from `since` to `upto`, both included, within one month."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    kind: ObjectKind
    since: str
    upto: str

    @property
    def name(self) -> str:
        return f"{self.kind}#{self.since[:10]}"


@dataclass(frozen=True, slots=True)
class Joined:
    """What two beginnings of the lists tell for certain.

    `frontier` is the second from which on, into the past, they tell nothing yet; None: they told all.
    """

    pairs: list[tuple[Side | None, Side | None]]
    frontier: str | None


def join(there: Sequence[Side], here: Sequence[Side], *, reached: Sequence[str | None]) -> Joined:
    """Pair both lists by id, as far as both reach.

    `reached` is the second of the last object that was read of each list, None for a list read to its end:
    of a list that goes on, that last second is not whole.
    """
    frontier = max((each for each in reached if each is not None), default=None)
    told = [each for each in there if frontier is None or each.created_at > frontier]
    ours = {each.object_id: each for each in here if frontier is None or each.created_at > frontier}
    pairs: list[tuple[Side | None, Side | None]] = [(each, ours.pop(each.object_id, None)) for each in told]
    pairs += [(None, each) for each in ours.values()]
    return Joined(pairs, frontier)


def slices(kinds: Mapping[ObjectKind, datetime], until: datetime) -> list[Slice]:
    """Each kind's time from its beginning up to `until`, cut into days, weeks or months."""
    found: list[Slice] = []
    for kind, since in kinds.items():
        length = until - since
        days = 1 if length <= IN_DAYS else 7 if length <= IN_WEEKS else 31
        start = since.replace(microsecond=0)
        while start < until:
            end = min(_next(start, days), until)
            found.append(Slice(kind=kind, since=times.text(start), upto=times.text(_last_second(end))))
            start = end
    return found


def _next(start: datetime, days: int) -> datetime:
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    next_month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return min(midnight + timedelta(days=days), next_month)


def _last_second(end: datetime) -> datetime:
    return (end - timedelta(microseconds=1)).replace(microsecond=0)
