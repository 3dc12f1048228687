"""The base of the stand-ins: transactions, faults, limits, counts, pages, and the process around it."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.faults import Faults
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.launch import StandInFailed, launch, loading
from infra.local.stand_ins.limits import RateLimits
from infra.local.stand_ins.serve import create
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State


class Shelf(StandIn):
    """Keeps things; refuses to keep the second half of a pair."""

    def routes(self) -> dict[str, Handler]:
        return {
            "POST /things/{id}": self.keep,
            "POST /pairs": self.keep_pair,
            "GET /things/{id}": lambda request: self.state.get("thing", request.path_params["id"]),
            "GET /things/newest": lambda _: self.state.page("thing", limit=1),
        }

    def keep(self, request: Request) -> Any:
        self.state.put("thing", {"id": request.path_params["id"], "created": 1})
        return {"kept": True}

    def keep_pair(self, request: Request) -> Any:
        self.state.put("thing", {"id": "left", "created": 1})
        raise Refusal(Answer.of({"message": "no room"}, 409))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(State(":memory:"), Config())


def call(shelf: Shelf, operation: str, body: Any = None) -> Answer:
    method, _, path = operation.partition(" ")
    return shelf.answer(Request(method, path, body=json.dumps(body).encode()))


def test_a_refused_call_leaves_nothing_behind(shelf: Shelf) -> None:
    assert call(shelf, "POST /pairs").status == 409
    assert shelf.state.get("thing", "left") is None


def test_an_exact_route_wins_over_a_parameter(shelf: Shelf) -> None:
    call(shelf, "POST /things/newest")
    assert call(shelf, "GET /things/newest").json() == [{"id": "newest", "created": 1}]
    assert call(shelf, "GET /things/other").json() is None


def test_calls_and_effects_are_counted_apart(shelf: Shelf) -> None:
    call(shelf, "POST /things/a")
    call(shelf, "POST /pairs")
    call(shelf, "GET /things/a")
    assert call(shelf, "GET /_control/calls").json() == {
        "GET /things/{id}": {"calls": 1, "effects": 0},
        "POST /pairs": {"calls": 1, "effects": 0},
        "POST /things/{id}": {"calls": 1, "effects": 1},
    }


@pytest.mark.parametrize(
    ("fault", "status", "fate", "effect"),
    [
        ("fail_before", 200, "drop", False),
        ("fail_after", 200, "drop", True),
        ("timeout_after", 200, "drop", True),
        ("429", 429, "send", False),
        ("500", 500, "send", False),
        ("malformed", 200, "send", True),
        ("delay", 200, "send", True),
    ],
)
def test_a_fault_strikes_once_and_does_what_it_says(
    shelf: Shelf, fault: str, status: int, fate: str, effect: bool
) -> None:
    order = {"operation": "POST /things/{any_name}", "fault": fault, "seconds": 0.5}
    assert call(shelf, "POST /_control/faults", order).status == 200
    answer = call(shelf, "POST /things/a")
    assert (answer.status, answer.fate) == (status, fate)
    assert (shelf.state.get("thing", "a") is not None) == effect
    assert answer.delay == (0.5 if fault in ("timeout_after", "delay") else 0)
    assert call(shelf, "POST /things/b").json() == {"kept": True}


def test_an_unknown_fault_is_refused_with_the_list_of_faults(shelf: Shelf) -> None:
    answer = call(shelf, "POST /_control/faults", {"operation": "*", "fault": "flood"})
    assert answer.status == 400
    assert "fail_before, 400, 429, 500, fail_after" in answer.json()["error"]


def test_a_fault_of_an_operation_that_is_not_there_is_refused_with_what_is_near(shelf: Shelf) -> None:
    answer = call(shelf, "POST /_control/faults", {"operation": "POST /thing/{id}", "fault": "500"})
    assert answer.status == 400
    assert "no operation 'POST /thing/{id}' here; near it: POST /things/{id}" in answer.json()["error"]


@pytest.mark.parametrize("order", [{"count": 0}, {"count": -1}, {"skip": -1}, {"probability": 0}])
def test_a_fault_that_could_never_happen_is_refused(shelf: Shelf, order: dict[str, Any]) -> None:
    answer = call(shelf, "POST /_control/faults", {"operation": "*", "fault": "500", **order})
    assert answer.status == 400
    assert call(shelf, "GET /_control/faults").json() == {"faults": []}


def test_faults_with_a_probability_repeat_by_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(["POST /things"])
        faults.add({"operation": "*", "fault": "500", "count": None, "probability": 0.5, "seed": seed})
        return [faults.take("POST /things") is not None for _ in range(50)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 40


def test_a_limit_slides_with_time_and_refuses_under_all_rules_together() -> None:
    moment = [0.0]
    limits = RateLimits(lambda: moment[0])
    rules = [("total", 3, 1.0), ("endpoint", 2, 1.0)]
    assert [limits.admit(rules) for _ in range(2)] == [None, None]
    assert limits.admit(rules) == ("endpoint", 1.0)
    assert limits.admit([("total", 3, 1.0)]) is None  # what was refused did not use up the total
    moment[0] = 1.0
    assert limits.admit(rules) is None


def test_pages_run_newest_first_and_back() -> None:
    state = State(":memory:")
    for number in range(5):
        state.put("thing", {"id": str(number), "created": number // 2}, owner="me" if number else None)

    def ids(**select: Any) -> list[str]:
        return [thing["id"] for thing in state.page("thing", **select)]

    assert ids() == ["4", "3", "2", "1", "0"]
    assert ids(after="3", limit=2) == ["2", "1"]
    assert ids(before="1", limit=2) == ["3", "2"]
    assert ids(owner="me", created={">=": 1}) == ["4", "3", "2"]
    assert ids(oldest_first=True, limit=1) == ["0"]


def test_within_a_transaction_writes_are_seen_and_a_savepoint_undoes_its_part() -> None:
    state = State(":memory:")
    with state.transaction():
        state.put("thing", {"id": "kept", "created": 1})
        with pytest.raises(ValueError), state.savepoint():
            state.put("thing", {"id": "undone", "created": 1})
            assert state.get("thing", "undone")
            raise ValueError
        state.put("thing", {"id": "kept", "created": 1, "again": True})
    assert state.page("thing") == [{"id": "kept", "created": 1, "again": True}]


def test_the_clock_survives_a_restart(tmp_path: Path) -> None:
    first = Shelf(State(tmp_path / "shelf.sqlite"), Config())
    first.clock.set(1_000_000_000.0, 60)
    first.state.close()
    second = Shelf(State(tmp_path / "shelf.sqlite"), Config())
    assert 1_000_000_000 <= second.clock.now() < 1_000_001_000
    second.clock.set(None)
    assert second.clock.now() == pytest.approx(second.clock.wall(), abs=5)
    second.state.close()


def test_an_unknown_name_lists_the_names() -> None:
    with pytest.raises(LookupError, match="there are stripe, hubspot"):
        create("paypal", None, Config())


def test_a_process_says_when_it_is_ready_and_ends_when_its_parent_lets_go(tmp_path: Path) -> None:
    started = launch("stripe", data_dir=tmp_path).wait_ready()
    connection = http.client.HTTPConnection("127.0.0.1", started.port, timeout=10)
    connection.request("GET", "/healthz")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    connection.close()
    taken = launch("stripe", port=started.port, data_dir=tmp_path, log=tmp_path / "log")
    with pytest.raises(StandInFailed, match=f"port {started.port}"):
        taken.wait_ready()
    assert "cannot be used" in (tmp_path / "log").read_text()
    assert started.process.stdin is not None
    started.process.stdin.close()  # what the end of the parent does
    assert started.process.wait(10) == 0
    started.stop()


def test_a_process_that_is_told_nothing_has_begun_nothing_and_ends(tmp_path: Path) -> None:
    with loading(["slack", "product"]) as processes:
        begun = processes["slack"].begin(data_dir=tmp_path / "data").wait_ready()
    assert begun.process.wait(10) == 0
    assert processes["product"].process.wait(10) == 0
    assert [path.name for path in (tmp_path / "data").glob("*.sqlite")] == ["slack.sqlite"]
