"""The audit log: one row per act, told to administrators by day, last first (F2)."""

from datetime import timedelta

import pytest

from tests.fakes.api import call
from tests.fakes.world import NOON, World
from usher.domain.access import Caller
from usher.ports.store import ConditionFailed, Put
from usher.records import audit

SUE = Caller("sue", "support")


def test_an_act_is_told_with_who_did_it_to_what_and_why(world: World) -> None:
    write = audit.entry(
        SUE,
        "onboarding.decide",
        subject="su_1",
        now=NOON,
        before={"status": "waiting_review"},
        after={"status": "provisioning"},
        reason="known customer",
    )
    world.store.transact([write, Put("claims", {"claim": "c", "signup_id": "su_1"})])
    status, body = call("GET", "/v1/audit", role="admin")
    assert (status, body["next_cursor"]) == (200, None)
    assert body["items"] == [
        {
            "audit_id": write.item["audit_id"],
            "at": "2025-11-21T12:00:00.000Z",
            "actor": "sue",
            "role": "support",
            "action": "onboarding.decide",
            "subject": "su_1",
            "before": {"status": "waiting_review"},
            "after": {"status": "provisioning"},
            "reason": "known customer",
        }
    ]


def test_an_act_that_cannot_be_noted_is_not_done(world: World) -> None:
    note = audit.entry(SUE, "a.b", subject="su_1", now=NOON)
    world.store.write(note)
    with pytest.raises(ConditionFailed):
        world.store.transact([note, Put("claims", {"claim": "c", "signup_id": "su_1"})])
    assert world.rows("claims") == []


def test_two_acts_at_the_same_moment_are_two_and_the_same_one_is_one() -> None:
    def noted(after: dict[str, int], request: str = "") -> str:
        return str(
            audit.entry(SUE, "a.b", subject="su_1", now=NOON, after=after, request=request).item["entry"]
        )

    assert noted({"quantity": 2}) == noted({"quantity": 2})
    assert len({noted({"quantity": 2}), noted({"quantity": 3}), noted({"quantity": 2}, "other request")}) == 3


def test_a_day_is_told_last_first_a_page_at_a_time(world: World) -> None:
    for minutes in range(5):
        at = NOON + timedelta(minutes=minutes)
        world.store.write(audit.entry(SUE, "a.b", subject=f"su_{minutes}", now=at))
    world.store.write(audit.entry(SUE, "a.b", subject="su_other", now=NOON + timedelta(days=1)))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        _, body = call("GET", "/v1/audit", query={"day": "2025-11-21", "limit": "2", **cursor})
        seen += [item["subject"] for item in body["items"]]
        cursor = {"cursor": body["next_cursor"]}
    assert seen == [f"su_{minutes}" for minutes in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("query", [{"day": "2025-02-30"}, {"day": "today"}, {"cursor": "x"}])
def test_a_day_that_does_not_exist_and_a_strange_cursor_are_named(
    world: World, query: dict[str, str]
) -> None:
    status, problem = call("GET", "/v1/audit", query=query)
    assert (status, [error["field"] for error in problem["errors"]]) == (400, list(query))
