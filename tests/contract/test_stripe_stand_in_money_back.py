"""Money that goes back at the Stripe stand-in: refunds that change, disputes, and the balance they leave."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

DAY = 86_400


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


def payment(shop: Shop, method: str = "pm_card_visa", amount: int = 10_000, currency: str = "usd") -> Any:
    terms = {"amount": amount, "currency": currency, "confirm": True, "payment_method": method}
    return shop.api.payment_intents.create(terms)


def charge_of(shop: Shop, intent: Any) -> Any:
    return shop.api.charges.retrieve(intent.latest_charge)


def dispute_of(shop: Shop, intent: Any) -> Any:
    (dispute,) = shop.api.disputes.list({"payment_intent": intent.id}).data
    return dispute


@pytest.mark.parametrize(
    ("method", "amount", "currency", "fee"),
    [
        ("pm_card_visa", 10_000, "usd", 320),  # 2.9 % and 30 cents: stripe.com/pricing
        ("pm_card_visa", 2_900, "usd", 114),  # 84.1, rounded, and 30
        ("pm_card_visa", 10_000, "jpy", 290),
    ],
)
def test_a_charge_is_booked_less_stripes_fee(
    shop: Shop, method: str, amount: int, currency: str, fee: int
) -> None:
    intent = payment(shop, method, amount, currency)
    expand = {"expand": ["latest_charge.balance_transaction"]}
    booked = shop.api.payment_intents.retrieve(intent.id, expand).latest_charge.balance_transaction
    assert (booked.type, booked.amount, booked.fee, booked.net) == ("charge", amount, fee, amount - fee)
    assert [detail.type for detail in booked.fee_details] == ["stripe_fee"]


def test_a_bank_debits_fee_is_capped() -> None:
    with opened_shop(options={"clearing_seconds": 3600}) as shop:
        fees = []
        for amount in (10_000, 1_000_000):
            intent = payment(shop, "pm_usBankAccount", amount)
            shop.control("POST", "/_control/settle_payment", {"payment_intent": intent.id})
            found = shop.api.charges.list({"payment_intent": intent.id}).data[0].balance_transaction
            fees.append(shop.api.balance_transactions.retrieve(found).fee)
    assert fees == [80, 500]  # 0.8 %, at most 5.00


def test_the_balance_is_what_the_transactions_add_up_to() -> None:
    with opened_shop() as shop:
        intent = payment(shop)
        for amount in (2_500, 500):
            shop.api.refunds.create({"payment_intent": intent.id, "amount": amount})
        charge = charge_of(shop, intent)
        assert (charge.amount_refunded, charge.refunded) == (3_000, False)
        with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount.*\(7000\)"):
            shop.api.refunds.create({"payment_intent": intent.id, "amount": 7_001})
        booked = shop.api.balance_transactions.list().data
        assert sorted(each.net for each in booked) == [-2_500, -500, 9_680]
        assert shop.api.balance.retrieve().available[0].amount == 6_680
        assert len(shop.api.balance_transactions.list({"type": "refund"}).data) == 2


def test_a_pending_refund_succeeds_later() -> None:
    with opened_shop() as shop:
        intent = payment(shop, "pm_card_pendingRefund")
        refund = shop.api.refunds.create({"payment_intent": intent.id})
        assert refund.status == "pending"
        shop.control("POST", "/_control/clock", {"now": refund.created + 60})
        assert shop.api.refunds.retrieve(refund.id).status == "succeeded"
        assert shop.events()[-3:] == ["charge.refunded", "refund.updated", "charge.refund.updated"]


def test_a_refund_that_comes_back_can_be_made_again() -> None:
    with opened_shop() as shop:
        intent = payment(shop, "pm_card_refundFail")
        refund = shop.api.refunds.create({"payment_intent": intent.id, "amount": 4_000})
        assert refund.status == "succeeded"
        shop.control("POST", "/_control/clock", {"now": refund.created + 60})
        failed = shop.api.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
        assert (failed.status, failed.failure_balance_transaction.net) == ("failed", 4_000)
        assert "refund.failed" in shop.events()
        assert charge_of(shop, intent).amount_refunded == 0
        assert shop.api.balance.retrieve().available[0].amount == 9_680


@pytest.mark.parametrize(
    ("text", "status", "nets"),
    [("winning_evidence", "won", [-11_500, 10_000]), ("losing_evidence", "lost", [-11_500])],
)
def test_evidence_decides_a_dispute(shop: Shop, text: str, status: str, nets: list[int]) -> None:
    intent = payment(shop, "pm_card_createDispute")
    dispute = dispute_of(shop, intent)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 10_000)
    assert charge_of(shop, intent).disputed
    decided = shop.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert decided.status == status
    assert [each.net for each in decided.balance_transactions] == nets  # the fee of 15.00 is not returned
    with pytest.raises(stripe.InvalidRequestError, match="can no longer be submitted"):
        shop.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})


def test_a_dispute_leaves_its_events_in_order() -> None:
    with opened_shop() as shop:
        dispute = dispute_of(shop, payment(shop, "pm_card_createDisputeProductNotReceived"))
        opened = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        assert shop.events(types=opened) == opened
        shop.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
        assert shop.events()[-3:] == [
            "charge.dispute.updated",
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
        ]


def test_a_disputed_charge_cannot_be_refunded_but_one_asked_about_can(shop: Shop) -> None:
    disputed = payment(shop, "pm_card_createDispute")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.refunds.create({"payment_intent": disputed.id})
    assert caught.value.code == "charge_disputed"
    asked = payment(shop, "pm_card_createDisputeInquiry")
    assert dispute_of(shop, asked).status == "warning_needs_response"
    assert dispute_of(shop, asked).balance_transactions == []
    assert shop.api.refunds.create({"payment_intent": asked.id}).status == "succeeded"
    assert shop.api.disputes.close(dispute_of(shop, asked).id).status == "warning_closed"


def test_a_dispute_nobody_answers_is_lost() -> None:
    with opened_shop() as shop:
        dispute = dispute_of(shop, payment(shop, "pm_card_createDispute"))
        shop.control("POST", "/_control/clock", {"now": dispute.created + 21 * DAY})
        lost = shop.api.disputes.retrieve(dispute.id)
        assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_any_payment_can_be_disputed_and_decided_by_order(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer())
    intent = shop.intent_of(subscription)
    order = {"payment_intent": intent.id, "amount": 900, "reason": "duplicate"}
    dispute = shop.control("POST", "/_control/dispute", order)
    assert dispute["amount"] == 900
    shop.control("POST", "/_control/decide_dispute", {"dispute": dispute["id"], "outcome": "won"})
    assert dispute_of(shop, intent).status == "won"
    with pytest.raises(stripe.InvalidRequestError, match="can no longer be closed"):
        shop.api.disputes.close(dispute["id"])
