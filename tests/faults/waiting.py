"""A cell of the matrix in which somebody is waited for: disturbed, healed, redriven, and what is left."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from functions.intake.sweep_inbox import handler as sweep_inbox
from infra import catalog
from tests.faults import census
from tests.faults.cells import KILLED, WITHOUT_EFFECT, Cell
from tests.faults.people import Customer
from tests.faults.waiting_calls import CALLS, NOTHING, WAYS, WaitingWay
from tests.faults.world import LIMIT, World, eventually, opened

LONGEST_SKIP = 600.0  # seconds: longer than any back-off, shorter than any deadline
FINAL = frozenset({"active", "expired", "rolled_back"})
QUEUES = frozenset(queue.name for queue in catalog.QUEUES)
_ROUNDS = 4


def check(cell: Cell, folder: Path) -> str:
    """Run one cell in a world of its own; returns how it stood after each round of redrives.

    `active+`: something was on the list of failures beside it. Raises AssertionError when anything is left
    over, doubled, missing, or ends otherwise than expected.
    """
    way = WAYS[cell.way]
    person = way.person()
    patience = {"longest_skip": LONGEST_SKIP} if way.waits else {}
    with opened(folder, stripe=way.stripe, vendor_timeout=cell.patience, **patience) as world:
        way.order(world)
        _disturbed(cell, world, way, person)
        _come_to_rest(world, way, person)
        states = [_standing(world)]
        if cell.row in CALLS:
            call = CALLS[cell.row]
            assert world.vendors.struck(call.vendor, call.operation) >= 1, f"never called: {states}"
            _is_filed(cell, world, states[0])
            world.vendors.heal(call.vendor)
        while states[-1] != way.ends:
            assert len(states) <= _ROUNDS, f"it went {' → '.join(states)}, not to {way.ends}"
            _mend(world, person)
            _come_to_rest(world, way, person)
            states.append(_standing(world))
        world.let_time_pass()
        world.settle()
        _swept(world)
        _is_whole(world, way)
        return " → ".join(states)


def _disturbed(cell: Cell, world: World, way: WaitingWay, person: Customer) -> None:
    """Let the person begin, and be there until what was ordered has happened, if it is a death."""
    if cell.row not in CALLS:
        when = "before" if cell.column == "before" else "after"
        world.crash_at(cell.row, when)
        _begin_beside(world, way, person, until=world.crash.died.is_set)
        world.revive()
        return
    call = CALLS[cell.row]
    killed = cell.column == KILLED
    world.vendors.fault(
        call.vendor,
        call.operation,
        "delay" if killed else cell.column.removesuffix("+effect"),
        skip=call.nth,
        count=None if cell.span == "for good" else 1,
        effect=cell.column == "500+effect",
        seconds=0.3 if killed else 5.0,
    )
    if not killed:
        person.begin(world)
        return
    _begin_beside(world, way, person, until=lambda: bool(world.vendors.struck(call.vendor, call.operation)))
    world.crash_now()
    world.revive()


def _begin_beside(world: World, way: WaitingWay, person: Customer, *, until: Callable[[], bool]) -> None:
    """Who begins may wait for an answer that never comes; they begin again when nothing is known of it."""
    beginning = threading.Thread(target=person.begin, args=(world,))
    beginning.start()

    def acted() -> bool:
        person.act(world)
        if way.times_out and person.has_paid:
            world.let_time_pass()
        return until()

    assert eventually(acted), "it never came to that"
    beginning.join(LIMIT)


def _come_to_rest(world: World, way: WaitingWay, person: Customer) -> None:
    """Nothing happens by itself any more, and nothing is left to do for the person."""
    if not world.rows("signups"):
        person.begin(world)
    for _ in range(2):  # what they do may lead to the next thing to do
        world.rest()
        person.act(world)
    world.rest()
    if way.times_out:
        world.let_time_pass()
        world.settle()


def _standing(world: World) -> str:
    """How the onboarding that began last stands; `+`: beside an end, something is on the list of failures."""
    rows = world.rows("signups")
    if not rows:
        return "unanswered"
    status = str(_last(world)["status"])
    listed = [row for row in _open_failures(world) if row["kind"] != "rolled_back"]
    return f"{status}+" if status in FINAL and listed else status


def _is_filed(cell: Cell, world: World, status: str) -> None:
    """What stays impossible is on the list of failures, as what it is; what a refusal means differs."""
    step, filed = CALLS[cell.row].step, {str(row["step"]) for row in _open_failures(world)}
    if not step or cell.span == "once" or cell.column not in WITHOUT_EFFECT or cell.column == "400":
        return
    wanted = QUEUES if step in QUEUES else {step}  # which queue asks first is chance
    assert filed & wanted, f"it is {status}, and filed: {sorted(filed)}"


def _last(world: World) -> dict[str, object]:
    return max(world.rows("signups"), key=lambda row: str(row["received_at"]))


def _open_failures(world: World) -> list[dict[str, object]]:
    return [row for row in world.rows("failures") if row["state"] == "open"]


def _mend(world: World, person: Customer) -> None:
    """What an operator does once the vendor is back: redrive what is listed; what cannot be, begins anew."""
    world.vendors.control("stripe", "POST", "clock", {"now": world.usher.clock.now().timestamp()})
    rows = world.rows("signups")
    if rows and _last(world)["status"] == "degraded":  # a link's execution waits a day for its check first
        world.let_time_pass()
        world.settle()
    done = 0
    for row in _open_failures(world):
        path = f"/v1/failures/{row['failure_id']}/redrive"
        done += world.call("POST", path, {"reason": "the vendor is back"})[0] == 202
    if not done:
        person.begin(world)


def _swept(world: World) -> None:
    """What was claimed and lost its end in a crash is finished, as every minute where schedules run."""
    if any(row["state"] == "claimed" for row in world.rows("inbox")):
        sweep_inbox({}, None)
        world.settle()


def _is_whole(world: World, way: WaitingWay) -> None:
    """One of everything lives, or nothing; what does not was paid back or never paid; nothing is pending."""
    found = census.of(world)
    alive = census.living(found.objects)
    assert {vendor: {kind: len(each) for kind, each in kinds.items()} for vendor, kinds in alive.items()} == (
        way.lives
    )
    stripe = found.objects["stripe"]
    charged = {each["id"] for each in stripe.get("charge", []) if each["status"] == "succeeded"}
    refunds = Counter(each["charge"] for each in stripe.get("refund", []))
    assert set(refunds.values()) <= {1} and len(charged - refunds.keys()) == way.lives.get(
        "stripe", NOTHING
    ).get("charge", 0)
    mails = Counter(each["Metadata"]["mail_id"] for each in found.objects["postmark"].get("message", []))
    assert set(mails.values()) <= {1}, f"mailed twice: {mails}"
    row = _last(world)
    told = Counter(found.events(str(row["account_id"])))
    assert told["account.activated"] == (way.ends == "active")
    assert all(each["status"] in FINAL for each in world.rows("signups"))
    found.nothing_is_pending()
    found.billing_equals_stripes()
