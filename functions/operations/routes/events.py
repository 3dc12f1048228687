"""Routes of what happened."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.operations import services
from usher.usecases.pages import Listed
from usher.usecases.read_events import EventsQuery, read_events

routes = Routes()


@routes.get("/v1/events", query=EventsQuery, answers=Listed)
def show(call: Call[EventsQuery]) -> dict[str, Any]:
    s = services()
    return read_events(call.input, log=s.log, clock=s.clock)
