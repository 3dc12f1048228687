"""What is due happens: on the live clock as it runs, on a test clock when it is advanced."""

from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import TEST_CLOCK, Account, new_id
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.periods import DAY
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from infra.local.stand_ins.stripe.timers import LIVE

KEPT_DAYS = 30


class PassingTime:
    """Runs timers in the order in which they strike, each at its own moment.

    Args:
        strikes: by kind of object, what its timer sets off.
    """

    def __init__(self, account: Account, strikes: dict[str, Callable[[str], None]]) -> None:
        self._account, self._strikes = account, strikes

    def run(self, until: float, timeline: str = LIVE, limit: int = 500) -> int:
        """Let time pass to `until`; returns how many timers struck, at most `limit`."""
        struck = 0
        while struck < limit:
            first = self._account.timers.earliest(timeline)
            if first is None or first[2] > until:
                break
            kind, id, due = first
            with self._account.at(due):
                self._strikes[kind](id)
            if self._account.timers.earliest(timeline) == first:  # nothing was left to do for it
                self._account.timers.clear(kind, id)
            struck += 1
        return struck


class TestClocks(Resource):
    """`/v1/test_helpers/test_clocks`: advancing is done when the call returns."""

    __test__ = False  # for pytest: not a test class

    def __init__(self, account: Account, time: PassingTime) -> None:
        super().__init__(account)
        self._time = time

    def routes(self) -> dict[str, Route]:
        path = "/v1/test_helpers/test_clocks"
        return {
            f"POST {path}": route(self.create, "frozen_time", "name"),
            f"GET {path}": route(self.list_all, PAGE),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}/advance": route(self.advance, "frozen_time"),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        clock = {
            "id": new_id(TEST_CLOCK),
            "object": TEST_CLOCK,
            "created": self.account.now(),
            "deletes_after": self.account.now() + KEPT_DAYS * DAY,
            "frozen_time": params["frozen_time"],
            "livemode": False,
            "name": params.get("name"),
            "status": "ready",
            "status_details": {},
        }
        return self.account.save(clock, "test_helpers.test_clock.created")

    def list_all(self, params: dict[str, Any]) -> Object:
        return self.listing(TEST_CLOCK, params, "/v1/test_helpers/test_clocks")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need(TEST_CLOCK, id)

    def advance(self, params: dict[str, Any], id: str) -> Object:
        clock, to = self.account.need(TEST_CLOCK, id), params["frozen_time"]
        if to <= clock["frozen_time"]:
            raise invalid("Test clocks can only be advanced to a time in the future.", param="frozen_time")
        self.account.emit("test_helpers.test_clock.advancing", clock)
        self._time.run(to, id, limit=10_000)
        clock["frozen_time"] = to
        return self.account.save(clock, "test_helpers.test_clock.ready")

    def delete(self, params: dict[str, Any], id: str) -> Object:
        clock = self.account.need(TEST_CLOCK, id)
        for customer in self.account.state.page("customer", owner=id):
            for kind in ("subscription", "invoice", "payment_intent"):
                for held in self.account.state.page(kind, owner=customer["id"]):
                    self.account.timers.clear(kind, held["id"])
                    self.account.state.delete(kind, held["id"])
            self.account.state.delete("customer", customer["id"])
        self.account.state.delete(TEST_CLOCK, id)
        self.account.emit("test_helpers.test_clock.deleted", clock)
        return {"id": id, "object": TEST_CLOCK, "deleted": True}
