"""Opening a payment link: nothing is lost when the API dies, nothing is made twice, refusals are told.

Row A6 of docs/product.md.
"""

from datetime import timedelta
from typing import Any

import pytest

from functions.intake.sweep_inbox import handler as sweep_inbox
from tests.fakes.failing import ended, file
from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.redriving import deps as redriving_of
from tests.fakes.world import PUBLIC_URL, World
from usher.domain.access import Caller
from usher.domain.errors import Conflict, VendorRejected, VendorUnavailable
from usher.domain.problems import Problem
from usher.ports.http import Answer
from usher.ports.teams import Team
from usher.usecases.dispatch_signup import DispatchSignup, dispatch_signup
from usher.usecases.link_order import PaymentLinkBody
from usher.usecases.open_payment_link import LinkOpening, open_payment_link
from usher.usecases.prepare_payment_link import LinkMaker, prepare_payment_link
from usher.usecases.step import StepCommand

PHONE = "+85251234567"
ADA = Caller("ada", "support")


class RecordingTeams:
    """Teams by account; those in `errors` fail the next calls that make one."""

    def __init__(self) -> None:
        self.teams: list[Team] = []
        self.errors: list[Exception] = []

    def find_teams(self, phone: str, *, correlation_id: str) -> list[Team]:
        return [team for team in self.teams if team.phone == phone]

    def put_team(self, *, account_id: str, phone: str, name: str, correlation_id: str) -> Team:
        if self.errors:
            raise self.errors.pop()
        held = next((team for team in self.teams if team.account_id == account_id), None)
        if held is None:
            held = Team(team_id=f"team_{account_id}", account_id=account_id, name=name, phone=phone)
            self.teams.append(held)
        return held

    def link_team(self, *, team_id: str, account_id: str, correlation_id: str) -> None:
        if self.errors:
            raise self.errors.pop()
        for at, team in enumerate(self.teams):
            if team.team_id == team_id:
                self.teams[at] = team.model_copy(update={"account_id": account_id})

    def delete_team(self, *, account_id: str, correlation_id: str) -> None:
        self.teams = [team for team in self.teams if team.account_id != account_id]


class Desk:
    """Everything that opening a link needs, and how often a request was sent."""

    def __init__(self, world: World) -> None:
        self.world, self.teams, self.links = world, RecordingTeams(), RecordingLinks()
        following = desk_of(world, self.links)
        self.maker = LinkMaker(
            teams=self.teams,
            links=self.links,
            onboardings=following.onboardings,
            policy=world.policy,
            clock=world.clock,
        )
        self.opening = LinkOpening(
            maker=self.maker,
            accounts=world.accounts,
            records=world.records,
            log=world.log,
            inbox=world.inbox,
            workflows=world.workflows,
            redriving=redriving_of(world),
            plans=world.plans,
            public_url=PUBLIC_URL,
        )

    def open(self, request_id: str = "req-1", **body: Any) -> Answer:
        wanted = PaymentLinkBody(**{"phone": PHONE, "credits": 500, **body})
        return open_payment_link(wanted, ADA, request_id=request_id, opening=self.opening)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_a_link_is_opened_with_its_record_account_audit_and_workflow(world: World, desk: Desk) -> None:
    answer = desk.open(name="Acme")
    assert isinstance(answer.body, dict)
    signup_id = answer.body["signup_id"]
    assert (answer.status, answer.body["team"]) == (201, "created")
    assert answer.body["status_url"] == f"{PUBLIC_URL}/v1/signups/{signup_id}"
    assert world.workflows.started[f"link-{signup_id}"][0] == "payment_link"
    assert [row["state"] for row in world.rows("inbox")] == ["done"]
    assert [row["action"] for row in world.rows("audit")] == ["onboarding.create"]
    assert [row["status"] for row in world.rows("accounts")] == ["pending"]


class Died(BaseException):
    """The process that served the request was killed."""


# Between the booking and the answer, in their order: where it dies, before or after the call took effect.
CRASH_POINTS = [
    ("teams.put_team", "before"),
    ("teams.put_team", "after"),
    ("onboardings.change", "before"),
    ("links.create", "before"),
    ("links.create", "after"),
    ("onboardings.change again", "before"),
    ("onboardings.change again", "after"),
    ("workflows.start", "before"),
    ("workflows.start", "after"),
    ("inbox.finish", "before"),
]


def die_at(desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str, when: str) -> None:
    """Let the next request die there, and whoever comes after it live."""
    call, _, again = point.partition(" ")
    holder, name = call.split(".")
    owner: Any = {
        "teams": desk.teams,
        "links": desk.links,
        "onboardings": desk.maker.onboardings,
        "workflows": desk.world.workflows,
        "inbox": desk.world.inbox,
    }[holder]
    real, skips = getattr(owner, name), [1 if again else 0]

    def dying(*args: Any, **named: Any) -> Any:
        if skips.pop():
            skips.append(0)
            return real(*args, **named)
        monkeypatch.setattr(owner, name, real)
        if when == "after":
            real(*args, **named)
        raise Died

    monkeypatch.setattr(owner, name, dying)


def go_on_by_itself(world: World, desk: Desk) -> None:
    """What happens when nobody asks again: the sweeper, the queue, and the workflow's first step."""
    world.clock.sleep(timedelta(minutes=3).total_seconds())
    sweep_inbox({}, None)
    for _, message in world.queue.take():
        command = DispatchSignup.model_validate(message.body)
        dispatch_signup(command, workflows=world.workflows, inbox=world.inbox, clock=world.clock)
    ((workflow, given),) = world.workflows.started.values()
    assert workflow == "payment_link"
    done = prepare_payment_link(StepCommand(**given, entered_at=world.clock.now()), maker=desk.maker)
    assert done.outcome == "pay"


def whole(world: World, desk: Desk) -> None:
    """One of everything, and nothing left to the sweeper."""
    (record,) = world.rows("signups")
    assert (record["status"], record["link_id"]) == ("waiting_payment", "plink_1")
    assert record["waiting"]["deadline"] == record["deadline"]
    (team,) = desk.teams.teams
    assert (team.account_id, record["team_id"]) == (record["account_id"], team.team_id)
    assert (len(desk.links.made), desk.links.closed) == (1, set())
    assert list(world.workflows.started) == [f"link-{record['signup_id']}"]
    assert [row["state"] for row in world.rows("inbox")] == ["done"]
    assert len(world.rows("accounts")) == 1


@pytest.mark.parametrize(("point", "when"), CRASH_POINTS)
def test_a_link_whose_request_died_is_made_by_itself(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str, when: str
) -> None:
    die_at(desk, monkeypatch, point, when)
    with pytest.raises(Died):
        desk.open()
    go_on_by_itself(world, desk)
    whole(world, desk)


@pytest.mark.parametrize(("point", "when"), CRASH_POINTS)
def test_a_request_that_died_is_finished_by_the_same_request(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str, when: str
) -> None:
    die_at(desk, monkeypatch, point, when)
    with pytest.raises(Died):
        desk.open()
    (record,) = world.rows("signups")
    answer = desk.open("req-2")
    assert isinstance(answer.body, dict)
    assert (answer.status, answer.body["signup_id"]) == (200, record["signup_id"])
    assert answer.body["url"] == "https://pay.example/plink_1"
    whole(world, desk)


def unavailable(desk: Desk, **body: Any) -> Problem:
    """The answer of a request during which the product is down."""
    desk.teams.errors.append(VendorUnavailable("the product is down"))
    with pytest.raises(Problem) as refused:
        desk.open(**body)
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "5"})
    return refused.value


def test_a_link_that_cannot_be_made_now_is_named_and_its_workflow_goes_on_at_once(
    world: World, desk: Desk
) -> None:
    problem = unavailable(desk)
    (record,) = world.rows("signups")
    assert problem.more["signup_id"] == record["signup_id"]
    assert problem.more["status_url"] == f"{PUBLIC_URL}/v1/signups/{record['signup_id']}"
    assert (record["status"], list(world.workflows.started)) == ("received", [f"link-{record['signup_id']}"])
    go_on_by_itself(world, desk)
    whole(world, desk)


def test_where_no_workflow_can_be_started_either_the_sweeper_does_it(world: World, desk: Desk) -> None:
    world.workflows.outages = 1
    unavailable(desk)
    assert world.workflows.started == {}
    go_on_by_itself(world, desk)
    whole(world, desk)


def test_a_request_sent_again_after_an_outage_finds_its_record_and_finishes_it(
    world: World, desk: Desk
) -> None:
    unavailable(desk)
    assert desk.open("req-2").status == 200
    whole(world, desk)


def test_what_broke_before_it_was_paid_goes_on_when_it_is_asked_for_again(world: World, desk: Desk) -> None:
    unavailable(desk)
    (record,) = world.rows("signups")
    broke(world, record["signup_id"])
    assert desk.open("req-2").status == 200
    assert world.workflows.redriven == [f"payment_link:link-{record['signup_id']}"]
    assert [row["state"] for row in world.rows("failures")] == ["redriving"]
    whole(world, desk)


def broke(world: World, signup_id: str) -> None:
    """Its execution used its retries up, and was filed."""
    name = f"link-{signup_id}"
    world.workflows.ended[name] = ("FAILED", world.clock.now())
    link = world.signups.get(signup_id)
    arn = world.workflows.execution_id("payment_link", name)
    assert file(world, ended(link, executionArn=arn, stopDate=int(world.clock.now().timestamp() * 1000)))


def test_one_that_is_being_cancelled_is_not_sold_as_if_it_were_open(world: World, desk: Desk) -> None:
    desk.open()
    (record,) = world.rows("signups")
    verdict = {"status": "rejected", "reason": "cancelled", "step": "cancel"}
    desk.maker.onboardings.change(record["signup_id"], {"verdict": verdict})
    with pytest.raises(Conflict, match="being ended"):
        desk.open("req-2")


def test_a_team_that_was_not_there_at_the_first_try_and_is_at_the_second_is_our_own(
    world: World, desk: Desk
) -> None:
    """Its link could not be made: the second request finds the team that the first one made."""
    first = desk.open()
    second = desk.open("req-2")
    assert isinstance(first.body, dict) and isinstance(second.body, dict)
    assert (second.status, second.body["signup_id"]) == (200, first.body["signup_id"])
    assert second.body["team"] == "created"


def test_what_a_vendor_refuses_for_good_is_told_and_left_to_the_workflow(world: World, desk: Desk) -> None:
    desk.teams.errors.append(VendorRejected("product answered 422 to put_team", status=422))
    with pytest.raises(Problem) as refused:
        desk.open()
    assert refused.value.status == 502
    assert f"link-{refused.value.more['signup_id']}" in world.workflows.started


def test_two_requests_at_once_open_one_link(world: World, desk: Desk) -> None:
    world.store.meanwhile("transact", lambda: _open(desk))
    answer = desk.open("req-2")
    assert (answer.status, len(world.rows("signups")), len(desk.links.made)) == (200, 1, 1)


def test_two_sales_at_once_to_a_phone_without_a_team_make_one_team(world: World, desk: Desk) -> None:
    unavailable(desk)
    answer = desk.open("req-2", credits=600)  # the first one's team is not made yet
    assert isinstance(answer.body, dict)
    (first, second) = sorted(world.rows("signups"), key=lambda row: int(row["offer"]["credits"]))
    assert first["account_id"] == second["account_id"] == answer.body["account_id"]
    assert (len(world.rows("accounts")), len(desk.teams.teams)) == (1, 1)


def test_a_cancelled_record_gets_no_link(world: World, desk: Desk) -> None:
    unavailable(desk)
    (record,) = world.rows("signups")
    verdict = {"status": "rejected", "reason": "cancelled", "step": "cancel"}
    desk.maker.onboardings.change(record["signup_id"], {"verdict": verdict})
    command = StepCommand(signup_id=record["signup_id"], correlation_id="cor", entered_at=world.clock.now())
    assert prepare_payment_link(command, maker=desk.maker).outcome == "stop"
    assert desk.links.made == {}


def test_no_personal_data_is_in_a_key(world: World, desk: Desk) -> None:
    desk.open(name="Canary", email="canary@example.com")
    keys = [*desk.links.made, *(row["claim"] for row in world.rows("claims"))]
    keys += [row["event_id"] for row in world.rows("inbox")]
    assert [key for key in keys if "anary" in key or "5123" in key] == []


def _open(desk: Desk) -> None:
    assert desk.open().status == 201
