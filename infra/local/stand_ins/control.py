"""Routes for tests and operators under `/_control/`, the same on every stand-in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.local.stand_ins.http import Answer, Request

if TYPE_CHECKING:
    from infra.local.stand_ins.stand_in import StandIn


def routes(stand_in: "StandIn") -> dict[str, Callable[[Request], Any]]:
    """`GET /healthz` and the `/_control/` routes of one stand-in."""
    state, faults, clock = stand_in.state, stand_in.faults, stand_in.clock

    def add_fault(request: Request) -> Any:
        return faults.add(request.json()).view()

    def clear_faults(_: Request) -> Any:
        faults.clear()
        return {"faults": []}

    def objects(request: Request) -> Any:
        wanted = request.query.get("kind")
        held = {wanted: state.page(wanted, oldest_first=True)} if wanted else state.census()
        return {"objects": held, "counts": {kind: len(values) for kind, values in held.items()}}

    def set_clock(request: Request) -> Any:
        order = request.json()
        clock.set(order.get("now"), float(order.get("scale", 1.0)))
        return clock.view()

    def clear(_: Request) -> Any:
        state.clear()
        return {"objects": {}}

    return {
        "GET /healthz": lambda _: {"status": "ok"},
        "GET /_control/objects": objects,
        "DELETE /_control/objects": clear,
        "GET /_control/calls": lambda _: state.counts(),
        "GET /_control/faults": lambda _: {"faults": faults.listing()},
        "POST /_control/faults": add_fault,
        "DELETE /_control/faults": clear_faults,
        "GET /_control/clock": lambda _: clock.view(),
        "POST /_control/clock": set_clock,
    }


def answer(stand_in: "StandIn", request: Request, handler: Callable[[Request], Any] | None) -> Answer:
    """Answer a control request: no authentication, no faults, no counts; 400 says what is wrong with it."""
    if handler is None:
        return Answer.of({"error": f"no such control route: {request.method} {request.path}"}, 404)
    try:
        value = handler(request)
    except (ValueError, TypeError, KeyError, LookupError) as error:
        return Answer.of({"error": f"{type(error).__name__}: {error}"}, 400)
    stand_in.answered()
    return value if isinstance(value, Answer) else Answer.of(value)
