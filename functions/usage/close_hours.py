"""Schedule close-hours: hours of usage that have settled are sent on to be reported."""

from usher.bootstrap.notices import scheduled
from usher.bootstrap.usage import services
from usher.usecases.close_hours import close_hours


@scheduled
def handler() -> int:
    s = services()
    return close_hours(hours=s.hours, queue=s.queue, clock=s.clock)
