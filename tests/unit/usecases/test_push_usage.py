"""Hours of usage told to the payment vendor: once each, what came later in further reports, and late ones.

Row C9 of docs/product.md.
"""

from datetime import timedelta
from typing import Any

import pytest

from functions.usage.close_hours import handler as close_hours
from tests.fakes.meters import RecordingMeters
from tests.fakes.usage import ACCOUNT, PERIOD, buffered, count_all, given_account, tell, used
from tests.fakes.world import NOON, World
from usher.domain import times
from usher.domain.errors import PermanentError, VendorRejected, VendorUnavailable
from usher.domain.metering import Metered
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy
from usher.records.subscribers import Subscribers
from usher.records.usage_hours import LEASE, UsageHours
from usher.usecases.push_usage import PushUsage, push_usage

HOUR = timedelta(hours=1)
LOST = VendorUnavailable("no answer", outcome_unknown=True)


class Desk:
    """A world whose starter plan is billed by API calls, and meters that count them."""

    def __init__(self, world: World, *, metered: bool = True) -> None:
        self.world, self.meters = world, RecordingMeters()
        plan = world.plans.plans["starter-monthly"]
        if metered:
            plan = plan.model_copy(update={"metered": {"api_calls": Metered(amount_minor=1, per=10)}})
        self.plans: PlanCatalog = world.plans.model_copy(
            update={"plans": {**world.plans.plans, "starter-monthly": plan}}
        )
        self.hours = UsageHours(world.store, world.log)

    def use(self, *records: dict[str, Any]) -> None:
        assert tell(*records)[0] == 202
        count_all(self.world)

    def due(self) -> list[dict[str, Any]]:
        """What the schedule sends on now."""
        close_hours({}, None)
        taken = self.world.queue.take()
        assert {queue for queue, _ in taken} <= {"usage-reports"}
        return [dict(message.body) for _, message in taken]

    def push(self, body: dict[str, Any]) -> str:
        return push_usage(
            PushUsage.model_validate(body),
            hours=self.hours,
            subscribers=Subscribers(self.world.store),
            meters=self.meters,
            plans=self.plans,
            policy=UsagePolicy(),
            clock=self.world.clock,
        )

    def push_all(self) -> list[str]:
        return [self.push(body) for body in self.due()]

    def told(self) -> list[dict[str, Any]]:
        log = self.world.log.read(ACCOUNT)
        return [event.payload for event in log if event.type == "usage.reported"]

    def quantities(self) -> list[int]:
        return [event.quantity for event in self.meters.events]


@pytest.fixture
def desk(world: World) -> Desk:
    given_account(world)
    return Desk(world)


def test_an_hour_is_told_once_it_has_settled_and_then_no_more(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3), used("r2", 4))
    assert desk.due() == []
    world.clock.advance(300)
    assert desk.push_all() == ["billed"]
    (event,) = desk.meters.events
    assert (event.meter, event.customer_id, event.quantity) == ("usher_api_calls", f"cus_{ACCOUNT}", 7)
    assert event.at == NOON - HOUR
    assert desk.told() == [
        {
            "metric": "api_calls",
            "subscription_id": f"sub_{ACCOUNT}",
            "hour": times.text(NOON - HOUR),
            "quantity": 7,
            "total": 7,
            "records": 2,
            "revision": 1,
            "billed": True,
            "late": False,
            "counted_at": times.text(NOON - HOUR),
        }
    ]
    world.clock.advance(2 * LEASE.total_seconds())
    assert desk.due() == []
    (row,) = world.rows("usage_hours")
    assert (row["reported"], row["revision"], "pending" in row, "due" in row) == (7, 1, False, False)


def test_the_running_hour_waits_for_its_end(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3, ago=timedelta(0)))
    world.clock.advance(3840)
    assert desk.due() == []
    world.clock.advance(60)
    assert desk.push_all() == ["billed"]


def test_what_comes_after_goes_into_a_further_report_of_the_difference(world: World, desk: Desk) -> None:
    for number, quantity in enumerate([3, 4, 5]):
        desk.use(used(f"r{number}", quantity))
        world.clock.advance(300)
        assert desk.push_all() == ["billed"]
    assert desk.quantities() == [3, 4, 5]
    assert len({event.identifier for event in desk.meters.events}) == 3
    assert [(told["revision"], told["total"]) for told in desk.told()] == [(1, 3), (2, 7), (3, 12)]
    assert {event.at.replace(minute=0) for event in desk.meters.events} == {NOON - HOUR}


@pytest.mark.parametrize("outcome", ["lost", "refused", "store"])
def test_a_retry_says_the_same_under_the_same_name_even_when_more_has_come(
    world: World, desk: Desk, outcome: str
) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    if outcome == "lost":
        desk.meters.lost_answers = [LOST]
    elif outcome == "refused":
        desk.meters.errors = [VendorUnavailable("503")]
    else:
        world.store.fail("transact")  # the vendor has it, our note of that is lost
    with pytest.raises(Exception, match=r"no answer|503|failed a transact"):
        desk.push(body)
    desk.use(used("r2", 4))
    assert desk.push(body) == "billed"
    assert desk.quantities() == [3]
    assert {call.identifier for call in desk.meters.calls} == {desk.meters.events[0].identifier}
    world.clock.advance(300)
    assert desk.push_all() == ["billed"]
    assert desk.quantities() == [3, 4]
    assert [told["total"] for told in desk.told()] == [3, 7]


def test_the_same_message_twice_tells_once(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    assert [desk.push(body), desk.push(body)] == ["billed", "nothing new"]
    assert len(desk.told()) == len(desk.meters.events) == 1


def test_usage_that_comes_while_the_vendor_is_told_stays_due(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    world.store.meanwhile("transact", lambda: desk.use(used("r2", 4)))
    assert desk.push(body) == "billed"
    assert (desk.quantities(), desk.told()[0]["total"]) == ([3], 3)
    world.clock.advance(300)
    assert desk.push_all() == ["billed"]
    assert desk.quantities() == [3, 4]


def test_a_message_that_is_lost_is_sent_again_after_its_lease(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    assert len(desk.due()) == 1
    assert desk.due() == []
    world.clock.advance(LEASE.total_seconds())
    assert desk.push_all() == ["billed"]


def test_what_comes_after_the_invoice_is_on_the_next_one_with_a_note(world: World, desk: Desk) -> None:
    given_account(world, period=(NOON - timedelta(days=20), NOON - 2 * HOUR))
    desk.use(used("r1", 3, ago=3 * HOUR))
    world.clock.advance(300)
    assert desk.push_all() == ["billed"]
    (event,) = desk.meters.events
    assert event.at == NOON + timedelta(minutes=5)
    (told,) = desk.told()
    assert (told["late"], told["hour"]) == (True, times.text(NOON - 3 * HOUR))
    (row,) = world.rows("usage_periods")
    assert (row["quantity"], row["billed_later"]) == (3, 3)


def test_the_last_hour_of_a_period_is_still_on_its_invoice(world: World, desk: Desk) -> None:
    given_account(world, period=(NOON - timedelta(days=20), NOON - timedelta(minutes=30)))
    desk.use(used("r1", 3, ago=timedelta(minutes=40)))
    world.clock.advance(300)
    assert desk.push_all() == ["billed"]
    assert (desk.meters.events[0].at, desk.told()[0]["late"]) == (NOON - HOUR, False)


@pytest.mark.parametrize("why", ["plan", "customer"])
def test_what_nobody_is_billed_for_is_told_to_us_alone(world: World, why: str) -> None:
    desk = Desk(world, metered=why != "plan")
    given_account(world, **({"customer_id": None} if why == "customer" else {}))
    desk.use(used("r1", 3))
    world.clock.advance(300)
    assert desk.push_all() == ["told"]
    assert desk.meters.calls == []
    (told,) = desk.told()
    assert (told["billed"], told["total"]) == (False, 3)


def test_a_vendor_that_never_takes_it_is_an_error_for_a_person_and_the_hour_stays_due(
    world: World, desk: Desk
) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    desk.meters.errors = [VendorRejected("no active meter", code="resource_missing", status=400)]
    with pytest.raises(VendorRejected):
        desk.push(body)
    assert desk.told() == []
    world.clock.advance(LEASE.total_seconds())
    assert desk.push_all() == ["billed"]


@pytest.mark.parametrize(("was_counted", "calls"), [(True, 1), (False, 2)])
def test_after_a_day_an_unknown_outcome_is_looked_up_before_it_is_said_again(
    world: World, desk: Desk, was_counted: bool, calls: int
) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    (desk.meters.lost_answers if was_counted else desk.meters.errors).append(LOST)
    with pytest.raises(VendorUnavailable):
        desk.push(body)
    desk.meters.forgets = True
    world.clock.advance(2 * 86_400)
    assert desk.push(body) == "billed"
    assert (desk.quantities(), len(desk.meters.calls)) == ([3], calls)


def test_an_outcome_that_cannot_be_told_from_another_is_for_a_person(world: World, desk: Desk) -> None:
    desk.use(used("r1", 3))
    world.clock.advance(300)
    (body,) = desk.due()
    desk.meters.lost_answers = [LOST]
    with pytest.raises(VendorUnavailable):
        desk.push(body)
    desk.meters.events.append(desk.meters.events[0])
    world.clock.advance(2 * 86_400)
    with pytest.raises(PermanentError, match="counted 6"):
        desk.push(body)


def test_hours_of_nothing_are_not_told(world: World, desk: Desk) -> None:
    desk.use(used("r1", 0))
    world.clock.advance(300)
    assert desk.push_all() == ["nothing new"]
    world.clock.advance(2 * LEASE.total_seconds())
    assert (desk.due(), desk.told()) == ([], [])


def test_many_hours_are_sent_on_at_once(world: World, desk: Desk) -> None:
    minutes = [timedelta(hours=n, minutes=30) for n in range(250)]
    desk.use(*(used(f"r{n}", 1, ago=ago) for n, ago in enumerate(minutes)))
    world.clock.advance(300)
    assert len(desk.due()) == 250
    assert PERIOD[0] > NOON - minutes[-1]  # some of them in the period before
    assert buffered(world) == []


def test_an_hour_that_is_gone_is_nothing_to_tell(desk: Desk) -> None:
    assert desk.push({"meter": "acc_x#api_calls", "hour": times.text(NOON)}) == "gone"
