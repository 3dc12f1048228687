"""Changes of a subscription that are asked for twice or at once, or whose answer is lost: made once (C6)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.stripe_shop import Shop
from tests.contract.subscriber import Subscriber, payment_of, stocked_shop
from tests.fakes.world import World, world
from usher.adapters.stripe_calls import StripeCalls
from usher.ports.store import Delete, Update

__all__ = ["world"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with stocked_shop() as opened:
        yield opened


@pytest.fixture
def ada(shop: Shop, world: World) -> Subscriber:
    return Subscriber(shop, world)


def test_a_request_sent_twice_has_one_effect_and_another_body_is_refused(ada: Subscriber) -> None:
    first = ada.post("change", {"plan": "pro-monthly"}, key="k1")
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1") == first
    assert len(ada.invoices()) == 2
    assert ada.post("change", {"plan": "pro-yearly"}, key="k1")[0] == 409


def test_a_change_whose_answer_was_lost_is_made_once(ada: Subscriber) -> None:
    """SCENARIOS 20: one charge, whichever way the answer takes."""
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/subscriptions/{id}", "fault": "fail_after"}
    )
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1")[0] == 503
    ada.sync()  # Stripe rings before the request is sent again
    status, state = ada.post("change", {"plan": "pro-monthly"}, key="k1")
    assert (status, state["plan"]) == (200, "pro-monthly")
    assert [invoice.amount_paid for invoice in ada.invoices()] == [1900, 3000]
    assert [row["action"] for row in ada.audited()] == ["subscription.change"]


def test_an_end_whose_answer_was_lost_pays_back_once(ada: Subscriber) -> None:
    ada.later(days=15)
    ada.shop.control("POST", "/_control/faults", {"operation": "POST /v1/refunds", "fault": "fail_after"})
    body = {"when": "now", "refund": "prorated"}
    assert ada.post("cancel", body, key="k1")[0] == 503
    ada.sync()
    status, ended = ada.post("cancel", body, key="k1")
    assert (status, ended["refunded_minor"]) == (200, 950)
    charge = ada.api.payment_intents.retrieve(payment_of(ada), {"expand": ["latest_charge"]}).latest_charge
    assert charge.amount_refunded == 950


def lose_answers(ada: Subscriber, operation: str) -> None:
    ada.shop.control("POST", "/_control/faults", {"operation": operation, "fault": "fail_after"})


@pytest.fixture
def forget_keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on no key is one that Stripe has heard before: it keeps them for a day."""

    def forget() -> None:
        call = StripeCalls.call

        def anew(
            self: StripeCalls, method: str, path: str, params: Any = None, key: str | None = None
        ) -> Any:
            return call(self, method, path, params, key and f"{key}/forgotten")

        monkeypatch.setattr(StripeCalls, "call", anew)

    return forget


def test_a_return_whose_answer_was_lost_begins_one_subscription(
    ada: Subscriber, forget_keys: Callable[[], None]
) -> None:
    ada.post("cancel", {"when": "now"})
    lose_answers(ada, "POST /v1/subscriptions")
    assert ada.post("reactivate", key="k1")[0] == 503
    forget_keys()
    status, state = ada.post("reactivate", key="k1")
    live = [each.id for each in ada.api.subscriptions.list({"customer": ada.customer.id}).data]
    assert (status, [state["subscription_id"]]) == (200, live)


def test_a_return_that_nobody_has_heard_of_yet_stands_in_the_way_of_another(ada: Subscriber) -> None:
    ada.post("cancel", {"when": "now"})
    lose_answers(ada, "POST /v1/subscriptions")
    assert ada.post("reactivate", key="k1")[0] == 503
    ada.world.clock.advance(70)  # the lease is over, and Stripe's bell is late
    status, problem = ada.post("reactivate", key="k2")
    assert (status, "has begun" in problem["detail"]) == (409, True)
    assert len(ada.api.subscriptions.list({"customer": ada.customer.id}).data) == 1


def test_an_end_that_is_sent_again_when_its_keys_are_forgotten_pays_back_once(
    ada: Subscriber, forget_keys: Callable[[], None]
) -> None:
    ada.later(days=15).post("pause")  # 9.50 of credit
    ada.later(days=1).post("resume")  # 19.00, of which 9.50 by the card
    ada.later(seconds=1)
    body = {"when": "now", "refund": "prorated"}
    lose_answers(ada, "POST /v1/customers/{id}/balance_transactions")
    assert ada.post("cancel", body, key="k1")[0] == 503
    forget_keys()
    status, ended = ada.post("cancel", body, key="k1")
    assert (status, ended["refunded_minor"], ended["credited_minor"]) == (200, 950, 950)
    charges = ada.api.charges.list({"customer": ada.customer.id}).data
    assert (sum(each.amount_refunded for each in charges), ada.balance()) == (950, -950)


def test_an_end_is_on_record_although_its_payment_was_given_back_meanwhile(ada: Subscriber) -> None:
    ada.later(days=15)

    def operator() -> None:
        ada.api.refunds.create({"payment_intent": payment_of(ada), "amount": 1500})

    ada.world.store.meanwhile("write", operator, skip=2)  # what goes back was worked out
    status, ended = ada.post("cancel", {"when": "now", "refund": "prorated"}, key="k1")
    assert (status, ended["status"], ended["refunded_minor"]) == (200, "canceled", 0)
    assert [row["action"] for row in ada.audited()] == ["subscription.cancel"]
    assert ada.audited()[0]["after"]["refunded_minor"] == 0


def test_an_end_whose_answer_was_lost_before_it_was_kept_is_answered_the_same(ada: Subscriber) -> None:
    ada.later(days=15)
    body = {"when": "now", "refund": "prorated"}
    first = ada.post("cancel", body, key="k1")
    assert first[1]["refunded_minor"] == 950
    for row in ada.world.rows("idempotency"):  # the process was gone before it kept the answer
        ada.world.store.write(Delete("idempotency", {"id": row["id"]}))
    assert ada.post("cancel", body, key="k1") == first


def test_two_changes_at_the_same_moment_are_both_noted(ada: Subscriber) -> None:
    assert ada.post("change", {"quantity": 2})[0] == 200
    assert ada.post("change", {"quantity": 3})[0] == 200
    assert [row["action"] for row in ada.audited()] == ["subscription.change"] * 2


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize(
    ("operation", "action", "body"),
    [
        ("POST /v1/subscriptions/{id}", "change", {"plan": "pro-monthly"}),
        ("DELETE /v1/subscriptions/{id}", "cancel", {"when": "now", "refund": "full"}),
        ("POST /v1/refunds", "cancel", {"when": "now", "refund": "full"}),
        ("POST /v1/subscriptions", "reactivate", {}),
    ],
)
def test_a_failure_that_stripe_keeps_under_a_key_costs_one_more_try(
    ada: Subscriber, operation: str, action: str, body: dict[str, Any], effect: bool
) -> None:
    if action == "reactivate":
        ada.post("cancel", {"when": "now"})
    fault = {"operation": operation, "fault": "500", "effect": effect}
    ada.shop.control("POST", "/_control/faults", fault)
    answers = [ada.post(action, body, key="k1")[0] for _ in range(3)]
    assert answers in ([503, 503, 200], [503, 200, 200])
    charges = ada.api.charges.list({"customer": ada.customer.id}).data
    paid, back = sum(each.amount for each in charges), sum(each.amount_refunded for each in charges)
    assert (paid, back) == {"change": (4900, 0), "cancel": (1900, 1900), "reactivate": (3800, 0)}[action]


def test_of_two_changes_at_once_one_wins_and_the_other_is_told_how_it_stands(ada: Subscriber) -> None:
    answers: list[tuple[int, dict[str, Any]]] = []

    def other() -> None:
        answers.append(ada.post("change", {"plan": "pro-yearly", "when": "now"}, key="other"))

    # between reading how it stands and taking the lease (the first write keeps the Idempotency-Key)
    ada.world.store.meanwhile("write", other, skip=1)
    status, problem = ada.post("change", {"plan": "pro-monthly"}, key="mine", subject="grace")
    assert (answers[0][0], status) == (200, 409)
    assert problem["subscription"]["plan"] == "pro-yearly"
    assert [invoice.amount_paid for invoice in ada.invoices()] == [1900, 47100]


def test_what_sync_writes_in_between_is_no_other_change(ada: Subscriber) -> None:
    """The bell of the change before rings while the next one begins: the customer need not send it again."""
    key = {"subscription_id": ada.row()["subscription_id"]}

    def sync() -> None:
        ada.world.store.inner.write(Update("subscriptions", key, add={"version": 1}))

    ada.world.store.meanwhile("write", sync, skip=1)
    status, changed = ada.post("change", {"plan": "pro-monthly"}, key="mine")
    assert (status, changed["plan"]) == (200, "pro-monthly")
    assert len(ada.invoices()) == 2


def test_a_change_under_way_keeps_others_out_until_its_lease_is_over(ada: Subscriber) -> None:
    ada.shop.control(
        "POST", "/_control/faults", {"operation": "POST /v1/subscriptions/{id}", "fault": "fail_before"}
    )
    assert ada.post("change", {"plan": "pro-monthly"}, key="mine")[0] == 503
    assert ada.post("change", {"plan": "pro-yearly"}, key="other")[0] == 409
    ada.later(seconds=61)
    assert ada.post("change", {"plan": "pro-yearly", "when": "now"}, key="other")[0] == 200
