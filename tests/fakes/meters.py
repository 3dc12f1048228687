"""The payment vendor's meters in memory."""

from dataclasses import dataclass, field

from usher.domain.errors import UsherError
from usher.ports.meters import MeterEvent


@dataclass
class RecordingMeters:
    """`events` by identifier, each counted once; `calls` in order. A call raises one of `errors` first.

    `lost_answers` are raised after the event was counted. `forgets`: identifiers are not known any more.
    """

    events: list[MeterEvent] = field(default_factory=list)
    calls: list[MeterEvent] = field(default_factory=list)
    errors: list[UsherError] = field(default_factory=list)
    lost_answers: list[UsherError] = field(default_factory=list)
    forgets: bool = False

    def count(self, event: MeterEvent) -> None:
        self.calls.append(event)
        if self.errors:
            raise self.errors.pop(0)
        known = {each.identifier: each for each in self.events}
        if self.forgets or event.identifier not in known:
            self.events.append(event)
        else:
            assert known[event.identifier] == event, "one identifier with two contents"
        if self.lost_answers:
            raise self.lost_answers.pop(0)

    def counted(self, event: MeterEvent) -> int:
        minute = event.at.replace(second=0, microsecond=0)
        same = [
            each for each in self.events if (each.customer_id, each.meter) == (event.customer_id, event.meter)
        ]
        return sum(each.quantity for each in same if each.at.replace(second=0, microsecond=0) == minute)
