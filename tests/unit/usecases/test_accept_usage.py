"""POST /v1/usage from API Gateway's event to the answer: what is buffered, repeated, refused and named.

Row A5 of docs/product.md.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.usage import ACCOUNT, buffered, count_all, given_account, post, tell, total, used
from tests.fakes.world import World
from usher.bootstrap import platform
from usher.domain.recent import Recent
from usher.usecases.accept_usage import LANES, PER_MESSAGE


def refused(world: World, answer: tuple[int, dict[str, Any]], status: int = 400) -> dict[str, str]:
    """What is said of each field; nothing of the call was taken."""
    said, problem = answer
    assert said == problem["status"] == status, problem
    assert world.queue.sent == []
    return {error["field"]: error["message"] for error in problem["errors"]}


def test_records_are_buffered_in_their_account_s_lane_and_acknowledged(world: World) -> None:
    given_account(world)
    assert tell(used("r1", 3), used("r2", 4)) == (202, {"accepted": 2, "repeated": 0})
    (message,) = buffered(world)
    assert [record["id"] for record in message.body["records"]] == ["r1", "r2"]
    assert message.group and message.deduplication_id is None


def test_a_thousand_records_are_few_messages(world: World) -> None:
    for number in range(40):
        given_account(world, f"acc_{number}")
    records = [used(f"r{number}", account_id=f"acc_{number % 40}") for number in range(1000)]
    assert tell(*records) == (202, {"accepted": 1000, "repeated": 0})
    messages = buffered(world)
    assert len(messages) <= LANES
    lanes = [{record["account_id"] for record in message.body["records"]} for message in messages]
    assert sum(map(len, lanes)) == 40  # an account is in one lane
    assert tell(*(used(f"one{number}") for number in range(1000)))[0] == 400  # no such account
    given_account(world)
    assert tell(*(used(f"one{number}") for number in range(1000)))[0] == 202
    assert [len(message.body["records"]) for message in buffered(world)] == [PER_MESSAGE] * 4


def test_a_repeat_in_the_buffer_or_in_the_book_is_fine_and_buffered_no_more(world: World) -> None:
    given_account(world)
    record = used("r1", 3)
    assert tell(record, record) == (202, {"accepted": 1, "repeated": 1})
    assert tell(record) == (202, {"accepted": 0, "repeated": 1})
    assert len(world.queue.sent) == 1
    count_all(world)
    platform.install(replace(world))  # another process than the first
    assert tell(record, used("r2")) == (202, {"accepted": 1, "repeated": 1})
    assert total(world) == 3


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize(
    "other", [{"quantity": 4}, {"metric": "seats"}, {"ago": timedelta(minutes=6)}, {"account_id": "acc_bob"}]
)
def test_the_id_of_another_record_is_refused_and_named(
    world: World, other: dict[str, Any], counted: bool
) -> None:
    for account in (ACCOUNT, "acc_bob"):
        given_account(world, account)
    assert tell(used("r1", 3))[0] == 202
    messages = buffered(world)
    if counted:
        world.queue.sent = [("usage", message) for message in messages]
        count_all(world)
    other.setdefault("quantity", 3)
    answer = tell(used("new"), used("r1", **other))
    if "metric" in other:
        assert set(refused(world, answer)) == {"records.1.metric"}
    else:
        assert set(refused(world, answer, 409)) == {"records.1.id"}


def test_one_id_with_two_contents_in_a_call_is_refused(world: World) -> None:
    given_account(world)
    assert set(refused(world, tell(used("r1", 3), used("r1", 4)), 409)) == {"records.1.id"}


def test_every_bad_record_is_named_by_its_place_and_told_what_to_do(world: World) -> None:
    given_account(world)
    given_account(world, "acc_shut", status="closed")
    said = refused(
        world,
        tell(
            used("fine"),
            used("r1", ago=timedelta(minutes=-6)),
            used("r2", ago=timedelta(days=35)),
            used("r3", metric="unheard_of"),
            used("r4", account_id="acc_of_nobody"),
            used("r5", account_id="acc_shut"),
        ),
    )
    assert set(said) == {
        "records.1.recorded_at",
        "records.2.recorded_at",
        "records.3.metric",
        "records.4.account_id",
        "records.5.account_id",
    }
    assert (
        "in the future" in said["records.1.recorded_at"] and "send it later" in said["records.1.recorded_at"]
    )
    assert "leave the record out" in said["records.2.recorded_at"]
    assert "api_calls" in said["records.3.metric"]
    assert "not an account of ours" in said["records.4.account_id"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": 10**13}, "quantity"),
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"account_id": "ada@example.com"}, "account_id"),
        ({"metric": "API calls"}, "metric"),
        ({"recorded_at": "yesterday"}, "recorded_at"),
        ({"recorded_at": "2025-11-21T12:00:00"}, "recorded_at"),
        ({"recorded_at": "2025-02-30T12:00:00Z"}, "recorded_at"),
        ({"recorded_at": "9999-12-31T23:59:59-23:59"}, "recorded_at"),
        ({"recorded_at": 1763726400}, "recorded_at"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_record_is_named_with_its_field(world: World, said: dict[str, Any], field: str) -> None:
    given_account(world)
    assert set(refused(world, tell(used("r0"), used("r1") | said))) == {f"records.1.{field}"}


@pytest.mark.parametrize("body", [{}, {"records": []}, {"records": None}, {"records": [1]}, b"[", b"null"])
def test_a_body_that_is_none_is_refused(world: World, body: Any) -> None:
    status, problem = post(body)
    assert (status, world.queue.sent) == (400, [])
    assert problem["type"] == "about:blank"


def test_a_call_takes_a_thousand_records_and_no_more(world: World) -> None:
    assert "records" in refused(world, tell(*(used(f"r{number}") for number in range(1001))))


def test_a_body_over_a_megabyte_and_other_types_are_refused(world: World) -> None:
    assert post(b" " * (1024 * 1024 + 1))[0] == 413
    body = json.dumps({"records": [used("r1")]}).encode()
    assert post(body, headers={"content-type": "text/plain"})[0] == 415


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_only_the_product_tells_usage(world: World, role: str) -> None:
    assert tell(used("r1"), role=role)[0] == 403
    assert tell(used("r1"), role=None)[0] == 401


@pytest.mark.parametrize("broken", ["queue", "store"])
def test_nothing_is_acknowledged_that_could_be_lost(world: World, broken: str) -> None:
    given_account(world)
    if broken == "queue":
        world.queue.outages = 1
    else:
        world.store.fail("get")
    assert tell(used("r1"))[0] == 503
    assert tell(used("r1")) == (202, {"accepted": 1, "repeated": 0})


def test_a_record_may_be_told_by_any_offset_of_its_moment(world: World) -> None:
    given_account(world)
    told = used("r1", recorded_at="2025-11-21T12:55:00+01:00")
    assert tell(told, told | {"recorded_at": "2025-11-21T11:55:00.000Z"}) == (
        202,
        {"accepted": 1, "repeated": 1},
    )


def test_what_was_seen_lately_is_forgotten_in_time_and_stays_small() -> None:
    recent = Recent(most=10)
    for number in range(100):
        recent.note([(f"r{number}", number)])
    assert recent.find("r99") == 99 and recent.find("r95") == 95
    assert recent.find("r50") is None
