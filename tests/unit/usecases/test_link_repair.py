"""Payment links that went wrong, as a support person finds and mends them: redrive, cancel, resend."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.failing import ended, file, row
from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.redriving import BY_ADA, deps
from tests.fakes.world import NOON, World
from tests.unit.usecases.test_link_payment import ACCOUNT, SIGNUP, RecordingCloser, given, visit
from usher.domain import times
from usher.domain.errors import Conflict, NotYet
from usher.domain.onboarding import REOPENABLE
from usher.domain.payment_links import Offer
from usher.ports.store import Put
from usher.records.link_onboardings import claim_key, team_key
from usher.records.signups import LinkOnboarding
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_requests import (
    CancelBody,
    LinkRequests,
    ResendBody,
    cancel_payment_link,
    resend_payment_link,
)
from usher.usecases.list_failures import shown
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.settle_link import settle_link

ADA = BY_ADA.caller
assert ADA is not None
PHONE = "+85251234567"
OTHER = "su_another"
OFFER = Offer(credits=500, title="500 credits", amount_minor=1000, currency="usd")
SAME = ("correlation_id", "kind", "received_at", "phone", "offer", "deadline")


@pytest.fixture
def links() -> RecordingLinks:
    return RecordingLinks()


@pytest.fixture
def closer() -> RecordingCloser:
    return RecordingCloser()


@pytest.fixture
def desk(world: World, links: RecordingLinks, closer: RecordingCloser) -> LinkDesk:
    return desk_of(world, links, closer)


@pytest.fixture
def requests(world: World, desk: LinkDesk) -> LinkRequests:
    return LinkRequests(desk, world.queue, deps(world))


def link_of(desk: LinkDesk) -> LinkOnboarding:
    return desk.onboardings.link(SIGNUP)


def redrive(world: World) -> str:
    return str(redrive_onboarding(SIGNUP, BY_ADA, deps(world))["execution"])


def runs(world: World, *, failed: bool = False) -> str:
    """The link's execution, as it runs or as it broke."""
    name = f"link-{SIGNUP}"
    world.workflows.start("payment_link", name=name, input={})
    if failed:
        world.workflows.ended[name] = ("FAILED", world.clock.now())
    return world.workflows.execution_id("payment_link", name)


def rolled_back(world: World, desk: LinkDesk, **values: Any) -> LinkOnboarding:
    """A link that was paid, could not be provisioned and was undone, a day after it was made."""
    verdict = {"status": "rolled_back", "step": "provision_link", "reason": "refused"}
    claim = claim_key(PHONE, OFFER, None)
    end = {"status": "rolled_back", "stage": "rolled_back", "closed_at": times.text(NOON)}
    made = {"checkout_id": "cs_1", "customer_id": "cus_1", "payment_id": "pi_1", "paid_at": times.text(NOON)}
    team = {"team": "created", "team_id": "team_1", "team_name": "Acme"}
    more = {"stage_paid": times.text(NOON), "claim": claim, "sent": 2, **values}
    given(world, verdict=verdict, **end, **made, **team, **more)
    account = {**world.rows("accounts")[0], "status": "closed", "customer_id": "cus_1"}
    world.store.inner.write(Put("accounts", account))
    for key in (claim, team_key(PHONE)):
        world.store.inner.write(Put("claims", {"claim": key, "signup_id": SIGNUP}))
    runs(world)
    world.workflows.ended[f"link-{SIGNUP}"] = ("SUCCEEDED", NOON)
    link = link_of(desk)
    world.failures.write(
        [world.failures.filing_signup("rolled_back", link, step="provision_link", reason="refused", now=NOON)]
    )
    world.clock.sleep(timedelta(days=1).total_seconds())
    return link


def another(world: World, status: str, **values: Any) -> None:
    """Another onboarding of the phone, that holds its claims by now."""
    mine = next(item for item in world.rows("signups") if item["signup_id"] == SIGNUP)
    keep = {
        name: mine[name] for name in ("correlation_id", "kind", "received_at", "phone", "offer", "deadline")
    }
    item = {
        **keep,
        "signup_id": OTHER,
        "status": status,
        "stage": status,
        "account_id": "acc_other",
        **values,
    }
    world.store.inner.write(Put("signups", item))


# -- rolled back -----------------------------------------------------------------------------------------


def test_a_rolled_back_link_begins_anew_with_a_link_account_and_deadline_of_its_own(
    world: World, desk: LinkDesk
) -> None:
    rolled_back(world, desk)
    assert redrive(world) == f"payment_link:link-{SIGNUP}-r1"
    link = link_of(desk)
    assert (link.status, link.stage, link.attempt, link.steps, link.stages) == (
        "received",
        "received",
        2,
        {},
        {},
    )
    assert (link.link_id, link.checkout_id, link.verdict, link.failure, link.team_id) == (None,) * 5
    assert (link.former_links, link.grant, link.sent) == (("plink_1",), f"link-{SIGNUP}-2", 0)
    assert times.moment(link.deadline) == NOON + timedelta(days=8)  # as long as the first time
    account = world.accounts.find(ACCOUNT)
    assert account is not None
    assert (account.status, account.customer_id) == ("pending", None)
    assert row(world, link).state == "redriving"
    with pytest.raises(Conflict, match="RUNNING"):
        redrive(world)


def test_of_two_people_at_once_one_sells_it_again(world: World, desk: LinkDesk) -> None:
    rolled_back(world, desk)
    world.store.meanwhile("transact", lambda: _again(world))
    with pytest.raises(Conflict, match="somebody else"):
        redrive(world)
    assert (link_of(desk).attempt, link_of(desk).redrives) == (2, 1)


def _again(world: World) -> None:
    redrive(world)


@pytest.mark.parametrize("status", ["received", "waiting_payment", "provisioning", "active", "failed"])
@pytest.mark.parametrize("which", ["thing", "team"])
def test_one_that_was_sold_anew_says_as_whom_and_leaves_the_list(
    world: World, desk: LinkDesk, status: str, which: str
) -> None:
    link = rolled_back(world, desk)
    key = team_key(PHONE) if which == "team" else str(link.claim)
    world.store.inner.write(Put("claims", {"claim": key, "signup_id": OTHER}))
    another(world, status)
    with pytest.raises(Conflict, match=f"as {OTHER}, which is {status}"):
        redrive(world)
    assert (row(world, link).state, link_of(desk).status) == ("resolved", "rolled_back")


@pytest.mark.parametrize("status", sorted(REOPENABLE))
def test_one_whose_successor_came_to_nothing_too_is_sold_again(
    world: World, desk: LinkDesk, status: str
) -> None:
    link = rolled_back(world, desk)
    world.store.inner.write(Put("claims", {"claim": str(link.claim), "signup_id": OTHER}))
    another(world, status)
    redrive(world)
    assert {each["signup_id"] for each in world.rows("claims")} == {SIGNUP}


def test_a_plan_for_an_account_that_pays_for_one_by_now_is_not_sold_again(
    world: World, desk: LinkDesk
) -> None:
    offer = {"plan": "pro-monthly", "title": "Pro", "amount_minor": 4900, "currency": "usd"}
    link = rolled_back(world, desk, offer=offer)
    account = {**world.rows("accounts")[0], "status": "active", "subscription_id": "sub_9"}
    world.store.inner.write(Put("accounts", account))
    world.store.inner.write(Put("subscriptions", {"subscription_id": "sub_9", "status": "active"}))
    with pytest.raises(Conflict, match="running subscription: change its plan"):
        redrive(world)
    assert row(world, link).state == "resolved"


def test_an_account_that_was_there_before_keeps_its_plan_and_workspace(world: World, desk: LinkDesk) -> None:
    rolled_back(world, desk, tenant_id="ten_gone")
    account = {
        **world.rows("accounts")[0],
        "status": "active",
        "plan": "starter-monthly",
        "tenant_id": "ten_1",
    }
    world.store.inner.write(Put("accounts", account))
    redrive(world)
    link = link_of(desk)
    assert (link.tenant_id, link.former_plan) == ("ten_1", "starter-monthly")
    assert world.rows("accounts")[0]["status"] == "active"


@pytest.mark.parametrize("status", ["rejected", "expired", "active", "waiting_payment", "provisioning"])
def test_what_has_nothing_to_be_tried_again_says_how_it_stands(world: World, status: str) -> None:
    given(world, status=status)
    with pytest.raises(Conflict, match=f"the sign-up is {status}: there is nothing to try again") as refused:
        redrive(world)
    assert ("POST /v1/onboardings" in str(refused.value)) == (status in {"rejected", "expired"})


# -- money -----------------------------------------------------------------------------------------------


def test_money_that_comes_late_for_a_former_link_goes_back_and_the_new_one_stays_open(
    world: World, desk: LinkDesk, links: RecordingLinks, closer: RecordingCloser
) -> None:
    rolled_back(world, desk)
    redrive(world)
    desk.onboardings.change(SIGNUP, {"status": "waiting_payment", "link_id": "plink_2"})
    links.visits["plink_1"] = [visit(world)]
    for _ in range(2):
        assert settle_link(link_of(desk), succeeded=True, desk=desk, told={"payment_id": "pi_1"}) == "open"
    assert closer.refunded == [("pi_1", f"signup/{SIGNUP}/refund/pi_1")]
    with pytest.raises(NotYet):  # another payment, of which the new link's page does not know yet
        settle_link(link_of(desk), succeeded=True, desk=desk, told={"payment_id": "pi_2"})
    links.visits["plink_2"] = [visit(world, 2)]
    assert desk.settle(link_of(desk)).state == "paid"
    assert (link_of(desk).customer_id, world.rows("accounts")[0]["customer_id"]) == ("cus_2", "cus_2")


def broken(world: World, desk: LinkDesk) -> LinkOnboarding:
    """An open link whose execution broke and was filed."""
    given(world)
    stopped = int(world.clock.now().timestamp() * 1000)
    assert file(world, ended(link_of(desk), executionArn=runs(world, failed=True), stopDate=stopped))
    world.clock.advance(60)
    return link_of(desk)


def test_a_link_that_is_paid_while_it_is_broken_stays_on_the_list_and_goes_on_by_a_redrive(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    link = broken(world, desk)
    links.visits["plink_1"] = [visit(world)]
    desk.settle(link)
    assert (link_of(desk).status, link_of(desk).is_paid) == ("failed", True)
    redrive(world)
    assert link_of(desk).status == "provisioning"
    assert len(world.workflows.redriven) == 1


# -- cancel and resend -----------------------------------------------------------------------------------

CANCEL = CancelBody(reason="by mistake")


@pytest.mark.parametrize(
    "status", ["provisioning", "active", "degraded", "expired", "rejected", "rolled_back"]
)
def test_what_is_not_open_cannot_be_cancelled_and_says_how_it_stands(
    world: World, requests: LinkRequests, status: str
) -> None:
    given(world, status=status)
    with pytest.raises(Conflict, match=f"it is {status}"):
        cancel_payment_link(SIGNUP, CANCEL, ADA, requests=requests)
    with pytest.raises(Conflict, match=f"it is {status}"):
        resend_payment_link(SIGNUP, ResendBody(email="a@example.com"), ADA, requests=requests)
    assert world.queue.take() == []


def test_a_broken_link_that_is_cancelled_goes_on_to_its_end(
    world: World, desk: LinkDesk, requests: LinkRequests, links: RecordingLinks
) -> None:
    link = broken(world, desk)
    with pytest.raises(Conflict, match="redrive it first"):
        resend_payment_link(SIGNUP, ResendBody(email="a@example.com"), ADA, requests=requests)
    for _ in range(2):
        told = cancel_payment_link(SIGNUP, CANCEL, ADA, requests=requests)
        assert told["ended"] == "cancelled: by mistake"
    assert links.closed == {"plink_1"}
    assert len(world.workflows.redriven) == 1
    assert row(world, link).state == "redriving"


@pytest.mark.parametrize("state", ["paid", "processing", "failed"])
def test_a_link_whose_money_is_there_or_under_way_cannot_be_cancelled(
    world: World, desk: LinkDesk, requests: LinkRequests, links: RecordingLinks, state: str
) -> None:
    given(world)
    links.visits["plink_1"] = [visit(world, state=state)]
    with pytest.raises(Conflict, match=f"its payment is {state}"):
        cancel_payment_link(SIGNUP, CANCEL, ADA, requests=requests)


def unwelcomed(world: World, desk: LinkDesk, **values: Any) -> LinkOnboarding:
    """An active customer whose welcome pack was given up; the execution waits a day for the check."""
    failure = {"step": "send_link_welcome", "reason": "refused", "since": times.text(NOON)}
    given(world, status="degraded", failure=failure, stage_activated=times.text(NOON), **values)
    runs(world)
    link = link_of(desk)
    world.failures.write(
        [world.failures.filing_signup("degraded", link, step="send_link_welcome", reason="refused", now=NOON)]
    )
    return link


def test_a_welcome_pack_is_sent_again_to_another_address(
    world: World, desk: LinkDesk, requests: LinkRequests
) -> None:
    link = unwelcomed(world, desk, email="wrong@example.com")
    resend_payment_link(SIGNUP, ResendBody(email="right@example.com"), ADA, requests=requests)
    assert link_of(desk).email == "right@example.com"
    assert f"link-{SIGNUP}-r1" in world.workflows.started
    assert row(world, link).state == "redriving"
    assert sorted(each["action"] for each in world.rows("audit")) == ["failure.redrive", "onboarding.resend"]
    assert "example.com" not in str(world.rows("audit"))
    with pytest.raises(Conflict, match="RUNNING"):
        resend_payment_link(SIGNUP, ResendBody(), ADA, requests=requests)


def test_a_welcome_pack_that_nobody_told_an_address_for_asks_for_one(
    world: World, desk: LinkDesk, requests: LinkRequests
) -> None:
    unwelcomed(world, desk)
    with pytest.raises(Conflict, match="send one along"):
        resend_payment_link(SIGNUP, ResendBody(), ADA, requests=requests)


# -- the list --------------------------------------------------------------------------------------------


def test_each_row_says_what_to_do(world: World, desk: LinkDesk) -> None:
    link = rolled_back(world, desk)
    told = shown(row(world, link), "https://usher.example.com")
    assert told["what_to_do"] == (
        "Mend the cause, then redrive: the same is sold again, by a new link. Its money went back."
    )
    mail = unwelcomed(world, desk)
    assert "another address" in shown(row(world, mail), "https://usher.example.com")["what_to_do"]
