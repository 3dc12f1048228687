"""The payment of a link: what counts and what goes back, whoever comes first, twice, or late."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.world import NOON, World
from usher.domain import ids, times
from usher.domain.errors import NotYet
from usher.ports.billing_facts import PaymentSnapshot
from usher.ports.links import LinkCheckout
from usher.ports.store import Put
from usher.records.signups import LinkOnboarding
from usher.usecases.await_link_payment import await_link_payment
from usher.usecases.begin_rollback import begin_rollback
from usher.usecases.close_link_payment import close_link_payment
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_standing import standing
from usher.usecases.settle_link import settle_link
from usher.usecases.step import AskCommand, StepCommand

SIGNUP = ids.derived("su", "link")
ACCOUNT = ids.sibling("acc", SIGNUP)


class RecordingCloser:
    """What was refunded, and which customers were marked or deleted."""

    def __init__(self) -> None:
        self.refunded: list[tuple[str, str]] = []
        self.asked: list[dict[str, str]] = []
        self.marked: list[str] = []
        self.deleted: list[str] = []

    def refund(self, payment_id: str, **request: str) -> str:
        self.asked.append({"payment_id": payment_id, **request})
        idempotency_key = request["idempotency_key"]
        self.refunded.append((payment_id, idempotency_key))
        return f"re_{payment_id}"

    def mark_closed(self, customer_id: str, *, reason: str) -> None:
        self.marked.append(customer_id)

    def delete_customer(self, customer_id: str) -> None:
        self.deleted.append(customer_id)


@pytest.fixture
def links() -> RecordingLinks:
    return RecordingLinks()


@pytest.fixture
def closer() -> RecordingCloser:
    return RecordingCloser()


@pytest.fixture
def desk(world: World, links: RecordingLinks, closer: RecordingCloser) -> LinkDesk:
    """A desk with one open link of 500 credits for 10.00 USD."""
    given(world)
    return desk_of(world, links, closer)


def given(world: World, **values: Any) -> None:
    item = {
        "signup_id": SIGNUP,
        "correlation_id": "cor_link",
        "kind": "payment_link",
        "status": "waiting_payment",
        "stage": "quotation_sent",
        "received_at": times.text(NOON),
        "account_id": ACCOUNT,
        "phone": "+85251234567",
        "offer": {"credits": 500, "title": "500 credits", "amount_minor": 1000, "currency": "usd"},
        "deadline": times.text(NOON + timedelta(days=7)),
        "link_id": "plink_1",
        "stage_quotation_sent": times.text(NOON),
        **values,
    }
    world.store.inner.write(Put("signups", item))
    account = {"account_id": ACCOUNT, "status": "pending", "org_name": "Acme", "plan": "", "version": 1}
    account |= {"signup_id": SIGNUP, "correlation_id": "cor_link", "created_at": times.text(NOON)}
    world.store.inner.write(Put("accounts", account))


def visit(world: World, number: int = 1, state: str = "paid", **values: Any) -> LinkCheckout:
    """A checkout of the link with a payment that the vendor has."""
    payment_id = f"pi_{number}"
    world.billing.payments[payment_id] = PaymentSnapshot(
        payment_id=payment_id,
        customer_id=f"cus_{number}",
        amount_minor=1000,
        currency="usd",
        status="succeeded",
        created_at=NOON,
        account_id=ACCOUNT,
        signup_id=SIGNUP,
    )
    told: dict[str, Any] = {
        "checkout_id": f"cs_{number}",
        "state": state,
        "created_at": NOON + timedelta(minutes=number),
        "amount_minor": 1000,
        "currency": "usd",
        "customer_id": f"cus_{number}",
        "payment_id": payment_id,
        "paid_at": NOON + timedelta(minutes=number, seconds=5),
        "email": "payer@example.com",
    }
    return LinkCheckout(**{**told, **values})


def link_of(desk: LinkDesk) -> LinkOnboarding:
    return desk.onboardings.link(SIGNUP)


def ask(desk: LinkDesk, world: World, token: str = "token-1", *, reminder: bool = False) -> None:
    command = AskCommand(
        signup_id=SIGNUP, correlation_id="cor", entered_at=NOON, task_token=token, reminder=reminder
    )
    await_link_payment(command, desk=desk, queue=world.queue)


def close(desk: LinkDesk, world: World) -> str:
    command = StepCommand(signup_id=SIGNUP, correlation_id="cor", entered_at=NOON)
    return close_link_payment(command, desk=desk, policy=world.policy).outcome


def answered(world: World, token: str = "token-1") -> str:
    """What the workflow's waiting task was told."""
    told = world.workflows.told[token]
    assert isinstance(told, dict)
    return str(told["outcome"])


# -- what counts -----------------------------------------------------------------------------------------


def test_the_first_right_payment_counts_and_any_other_goes_back(world: World, desk: LinkDesk) -> None:
    found = standing(link_of(desk), [visit(world, 1, amount_minor=999), visit(world, 2), visit(world, 3)])
    assert found.counted is not None and found.counted.checkout_id == "cs_2"
    assert [(each.checkout_id, reason.split(":")[0]) for each, reason in found.refused] == [
        ("cs_1", "the amount is wrong"),
        ("cs_3", "the link was paid twice"),
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "open"),
        (["open"], "open"),
        (["expired", "open"], "open"),
        (["processing"], "processing"),
        (["failed"], "failed"),
        (["failed", "processing"], "processing"),
        (["processing", "paid"], "paid"),
    ],
)
def test_what_the_visits_come_to(world: World, desk: LinkDesk, states: list[str], expected: str) -> None:
    visits = [visit(world, number, state) for number, state in enumerate(states)]
    assert standing(link_of(desk), visits).state == expected


def test_another_currency_is_a_wrong_amount(world: World, desk: LinkDesk) -> None:
    found = standing(link_of(desk), [visit(world, currency="hkd")])
    assert found.state == "failed"
    assert "1000 hkd instead of 1000 usd" in found.reason


# -- a payment is put on record --------------------------------------------------------------------------


def test_a_payment_is_on_record_with_its_stage_and_the_workflow_hears(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    ask(desk, world)
    assert world.workflows.told == {}
    links.visits["plink_1"] = [visit(world)]
    assert desk.settle(link_of(desk)).state == "paid"
    link = link_of(desk)
    assert (link.checkout_id, link.customer_id, link.payment_id) == ("cs_1", "cus_1", "pi_1")
    assert (link.status, link.email) == ("provisioning", "payer@example.com")
    assert link.stages["paid"] == "2025-11-21T12:01:05.000Z"  # the vendor's moment
    assert links.marked["cus_1"]["account_id"] == ACCOUNT
    assert world.rows("accounts")[0]["customer_id"] == "cus_1"
    assert answered(world) == "ok"
    assert [row["payment_id"] for row in world.rows("payments")] == ["pi_1"]


def test_settling_again_changes_nothing_and_tells_nothing_twice(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    links.visits["plink_1"] = [visit(world)]
    for _ in range(3):
        desk.settle(link_of(desk))
    assert world.events(ACCOUNT).count("onboarding.stage_changed") == 2  # opened, paid
    assert world.events(ACCOUNT).count("payment.succeeded") == 1


def test_a_payment_that_came_before_the_workflow_asked_is_found_when_it_asks(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    links.visits["plink_1"] = [visit(world)]
    ask(desk, world)
    assert answered(world) == "ok"


def test_two_that_settle_at_once_record_one_payment(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    links.visits["plink_1"] = [visit(world)]
    stale = link_of(desk)
    world.store.meanwhile("transact", lambda: _settle(desk), skip=1)  # the first one notes the visit
    assert desk.settle(stale).state == "paid"
    assert world.events(ACCOUNT).count("payment.succeeded") == 1
    assert link_of(desk).checkout_id == "cs_1"


def test_a_payment_whose_checkout_does_not_know_of_it_yet_is_looked_for_again(
    world: World, desk: LinkDesk
) -> None:
    with pytest.raises(NotYet):
        settle_link(link_of(desk), succeeded=True, desk=desk)
    assert settle_link(link_of(desk), succeeded=False, desk=desk) == "open"


def test_the_reminder_goes_out_only_while_the_link_is_open(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    world.store.inner.write(desk.onboardings.changing(SIGNUP, {"email": "ada@example.com"}))
    ask(desk, world, reminder=True)
    assert [message.body["round"] for _, message in world.queue.take()] == ["reminder"]
    links.visits["plink_1"] = [visit(world)]
    ask(desk, world, "token-2", reminder=True)
    assert world.queue.take() == []


# -- deadline and end ------------------------------------------------------------------------------------


class OrderedLinks(RecordingLinks):
    """Says what was asked of it, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def close(self, link_id: str) -> None:
        self.order.append("close")
        super().close(link_id)

    def checkouts(self, link_id: str) -> list[LinkCheckout]:
        self.order.append("look")
        return super().checkouts(link_id)


def test_the_link_is_closed_before_it_is_looked_at(world: World) -> None:
    given(world)
    links = OrderedLinks()
    desk = desk_of(world, links)
    assert close(desk, world) == "stop"
    assert links.order == ["close", "look"]
    assert (link_of(desk).verdict or {})["status"] == "expired"


def test_paid_at_the_very_deadline_is_paid(world: World, desk: LinkDesk, links: RecordingLinks) -> None:
    links.visits["plink_1"] = [visit(world)]
    assert close(desk, world) == "ok"
    assert link_of(desk).verdict is None


def test_what_the_bank_has_under_way_is_waited_for_past_the_deadline(
    world: World, desk: LinkDesk, links: RecordingLinks
) -> None:
    links.visits["plink_1"] = [visit(world, state="processing")]
    assert close(desk, world) == "pay"
    waiting = link_of(desk).waiting or {}
    assert datetime.fromisoformat(waiting["deadline"]) == NOON + timedelta(days=14)


def test_a_verdict_and_a_payment_at_once_leave_exactly_one_of_them(
    world: World, desk: LinkDesk, links: RecordingLinks, closer: RecordingCloser
) -> None:
    """The verdict is written while the payment is on its way to the record: the money goes back."""
    links.visits["plink_1"] = [visit(world)]
    verdict = {"status": "rejected", "reason": "cancelled", "step": "cancel"}
    world.store.meanwhile("transact", lambda: _end(desk, verdict), skip=1)
    desk.settle(link_of(desk))
    link = link_of(desk)
    assert (link.verdict, link.checkout_id) == (verdict, None)
    desk.settle(link)
    assert closer.refunded == [("pi_1", f"signup/{SIGNUP}/refund/pi_1")]
    assert link_of(desk).refused["cs_1"]["reason"] == "the link had ended"


def test_once_it_is_paid_no_verdict_holds(world: World, desk: LinkDesk, links: RecordingLinks) -> None:
    stale = link_of(desk)
    links.visits["plink_1"] = [visit(world)]
    desk.settle(stale)
    assert not desk.end(stale, {"status": "expired", "reason": "late", "step": "x"})
    assert link_of(desk).verdict is None


def test_what_was_refused_goes_back_once_however_often_it_is_looked_at(
    world: World, desk: LinkDesk, links: RecordingLinks, closer: RecordingCloser
) -> None:
    links.visits["plink_1"] = [visit(world, 1), visit(world, 2)]
    for _ in range(3):
        desk.settle(link_of(desk))
    assert [payment for payment, _ in closer.refunded] == ["pi_2"]
    assert closer.marked == ["cus_2"]
    assert world.events(ACCOUNT).count("onboarding.payment_returned") == 1


def test_who_gives_the_same_money_back_for_another_reason_sends_the_vendor_the_same_request(
    world: World, desk: LinkDesk, closer: RecordingCloser
) -> None:
    """The vendor's bell and the undo step come at once, each with words of its own: one key has one body."""
    stale, checkout = link_of(desk), visit(world)
    desk.returns.give_back(stale, checkout, "the link had ended")
    desk.returns.give_back(stale, checkout, "the workspace could not be made")
    (first, second) = closer.asked
    assert first == second
    assert world.events(ACCOUNT).count("onboarding.payment_returned") == 1


def test_a_link_that_is_cancelled_before_the_workflow_s_first_step_is_undone_like_any_other(
    world: World,
) -> None:
    """Its team and link were made by the API: nothing in the record's steps says so."""
    given(world, verdict={"status": "rejected", "reason": "cancelled", "step": "cancel"})
    command = StepCommand(signup_id=SIGNUP, correlation_id="cor_link", entered_at=NOON)
    assert begin_rollback(command, signups=world.signups, clock=world.clock).outcome == "undo"


class BlinkingLinks(RecordingLinks):
    """Shows another's look at the page only the second of two payments, while the first one is recorded."""

    another: LinkDesk

    def mark_customer(self, customer_id: str, *, metadata: Mapping[str, str], idempotency_key: str) -> None:
        super().mark_customer(customer_id, metadata=metadata, idempotency_key=idempotency_key)
        both = self.visits["plink_1"]
        if customer_id == "cus_1" and len(both) == 2:
            self.visits["plink_1"] = both[1:]
            _settle(self.another)
            self.visits["plink_1"] = both


def test_two_who_saw_different_payments_keep_one_and_give_back_the_other(
    world: World, closer: RecordingCloser
) -> None:
    given(world)
    links = BlinkingLinks()
    links.another = desk = desk_of(world, links, closer)
    links.visits["plink_1"] = [visit(world, 1), visit(world, 2)]
    for _ in range(2):
        desk.settle(link_of(desk))
    assert link_of(desk).checkout_id == "cs_2"
    assert [payment for payment, _ in closer.refunded] == ["pi_1"]
    assert closer.marked == ["cus_1"]


def _settle(desk: LinkDesk) -> None:
    desk.settle(link_of(desk))


def _end(desk: LinkDesk, verdict: dict[str, str]) -> None:
    assert desk.end(link_of(desk), verdict)
