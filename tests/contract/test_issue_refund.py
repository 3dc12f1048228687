"""Refunds by operators through the API, at the Stripe stand-in."""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.money_office import Answered, Office, office, shop, world
from tests.fakes.api import call
from tests.fakes.world import World
from usher.domain.access import Caller
from usher.records.refund_requests import RefundRequests

__all__ = ["office", "shop", "world"]

REASON = "Charged twice for one seat"


def refund(office: Office, payment_id: str, /, *, subject: str = "bea", **body: Any) -> Answered:
    office.world.clock.advance(1)
    order = {"payment_id": payment_id, "reason": REASON, **body}
    return call("POST", "/v1/refunds", order, role="billing", subject=subject)


def test_a_payment_is_given_back_in_parts_until_nothing_is_left(office: Office) -> None:
    payment_id = office.paid()
    status, first = refund(office, payment_id, amount=900)
    assert (status, first["status"], first["amount"], first["left"]) == (201, "succeeded", 900, 2000)
    _, second = refund(office, payment_id)
    assert (second["amount"], second["left"]) == (2000, 0)
    assert office.row("payments", payment_id=payment_id)["refunded_minor"] == 2900
    status, problem = refund(office, payment_id)
    assert (status, problem["detail"]) == (409, "all of this payment was given back already")
    assert office.audited() == [("refund.issue", "bea")] * 2
    told = [(row["before"]["refunded_minor"], row["after"]["refunded_minor"]) for row in office.rows("audit")]
    assert sorted(told) == [(0, 900), (900, 2900)]


def test_more_than_is_left_is_refused_with_what_is_left(office: Office) -> None:
    payment_id = office.paid()
    refund(office, payment_id, amount=1000)
    status, problem = refund(office, payment_id, amount=2000)
    assert (status, problem["left"], problem["currency"]) == (400, 1900, "usd")
    assert problem["errors"] == [
        {"field": "amount", "message": "is more than is left: 19.00 USD of 29.00 USD"}
    ]
    assert office.refunds(payment_id) == [1000]


def test_the_reason_is_kept_where_the_refund_is(office: Office) -> None:
    payment_id = office.paid()
    _, made = refund(office, payment_id)
    kept = office.shop.api.refunds.retrieve(made["refund_id"]).metadata
    assert (kept["reason"], kept["correlation_id"]) == (REASON, "cor_ada")
    assert office.rows("audit")[0]["reason"] == REASON
    assert office.row("refunds", refund_id=made["refund_id"])["reason"] == REASON
    assert office.told("refund.issued") == ["refund.issued"]
    office.record("refund", made["refund_id"])  # the vendor's bell, afterwards
    assert office.row("refunds", refund_id=made["refund_id"])["reason"] == REASON
    assert office.told("refund.issued") == ["refund.issued"]


@pytest.mark.parametrize("fault", ["fail_after", "timeout_after", "500", "malformed"])
def test_asking_again_after_an_unknown_outcome_gives_back_once(office: Office, fault: str) -> None:
    payment_id = office.paid()
    more = {"effect": True} if fault == "500" else {}
    office.fault("POST /v1/refunds", fault, **more)
    assert refund(office, payment_id, amount=900)[0] == 503
    status, made = refund(office, payment_id, amount=900)
    assert (status, made["amount"], made["left"]) == (201, 900, 2000)
    assert office.refunds(payment_id) == [900]
    assert len(office.audited()) == 1


def test_a_failure_that_the_vendor_stored_under_the_key_costs_one_more_try(office: Office) -> None:
    payment_id = office.paid()
    office.fault("POST /v1/refunds", "500")
    answers = [refund(office, payment_id, amount=900)[0] for _ in range(3)]
    assert answers == [503, 503, 201]  # failed, told that the key is spent, done under the next one
    assert office.refunds(payment_id) == [900]


def test_while_one_refund_is_under_way_another_waits(office: Office) -> None:
    payment_id = office.paid()
    office.fault("POST /v1/refunds", "fail_after")
    assert refund(office, payment_id, amount=900)[0] == 503
    status, problem = refund(office, payment_id, subject="bob", amount=2900)
    assert (status, "under way" in problem["detail"]) == (409, True)
    office.world.clock.advance(180)
    status, made = refund(office, payment_id, subject="bob")
    assert (status, made["amount"]) == (201, 2000)  # the first had come through, and is on record now
    assert office.refunds(payment_id) == [900, 2000]
    assert office.audited() == [("refund.issue", "bea"), ("refund.issue", "bob")]


def test_a_refund_that_never_reached_the_vendor_makes_room_for_the_next(office: Office) -> None:
    payment_id = office.paid()
    office.fault("POST /v1/refunds", "fail_before")
    assert refund(office, payment_id, amount=900)[0] == 503
    office.world.clock.advance(180)
    assert refund(office, payment_id, subject="bob", amount=500)[0] == 201
    assert office.refunds(payment_id) == [500]
    assert office.audited() == [("refund.issue", "bob")]


def test_a_refund_that_is_asked_for_again_late_keeps_others_out_as_long_as_the_first_time(
    office: Office,
) -> None:
    payment_id = office.paid()
    office.fault("POST /v1/refunds", "fail_before")
    assert refund(office, payment_id, amount=900)[0] == 503
    office.world.clock.advance(115)
    office.fault("POST /v1/refunds", "fail_before")  # it may be on its way for ten seconds more
    assert refund(office, payment_id, amount=900)[0] == 503
    office.world.clock.advance(10)
    assert refund(office, payment_id, subject="bob", amount=500)[0] == 409


def test_a_refund_that_is_taken_up_again_is_not_given_up_by_who_has_read_it_before(world: World) -> None:
    requests, caller, now = RefundRequests(world.store), Caller("bea", "billing"), world.clock.now()
    requests.open("pi_1", amount_minor=900, asked=900, reason=REASON, caller=caller, now=now)
    read = requests.under_way("pi_1")
    assert read is not None
    held = requests.taken_up(read, now=now + timedelta(seconds=100))
    assert held is not None
    requests.drop(read)  # nothing of it is at the vendor, found another one
    assert requests.under_way("pi_1") == held
    assert requests.taken_up(read, now=now + timedelta(seconds=101)) is None
    requests.drop(held)
    assert requests.under_way("pi_1") is None


def test_of_two_refunds_at_once_one_wins(office: Office) -> None:
    payment_id = office.paid()
    later: list[Answered] = []

    def do() -> None:
        later.append(refund(office, payment_id, subject="bob", amount=2000))

    office.world.store.meanwhile("write", do)  # just before ours takes the payment's place
    status, problem = refund(office, payment_id, amount=2000)
    assert [later[0][0], status] == [201, 400]
    assert problem["left"] == 900
    assert office.refunds(payment_id) == [2000]


def test_a_record_that_the_vendors_bell_wrote_first_is_no_obstacle(office: Office) -> None:
    payment_id = office.paid()

    def ring() -> None:
        (made,) = office.shop.api.refunds.list({"payment_intent": payment_id}).data
        office.record("refund", made.id)

    office.world.store.meanwhile("transact", ring)
    status, made = refund(office, payment_id, amount=900)
    assert (status, made["left"]) == (201, 2000)
    assert office.row("payments", payment_id=payment_id)["refunded_minor"] == 900
    assert office.told("refund.issued") == ["refund.issued"]
    assert len(office.audited()) == 1


def test_what_was_not_paid_or_is_disputed_cannot_be_given_back(office: Office) -> None:
    disputed = office.paid("pm_card_createDispute")
    status, problem = refund(office, disputed)
    assert (status, "disputed" in problem["detail"]) == (409, True)
    office.owed()
    waiting = next(row["payment_id"] for row in office.rows("payments") if row["status"] == "open")
    status, problem = refund(office, waiting)
    assert (status, "only what was paid" in problem["detail"]) == (409, True)


def test_a_refund_names_its_payment_and_says_why(office: Office) -> None:
    assert refund(office, "pi_gone")[0] == 404
    status, problem = call("POST", "/v1/refunds", {"payment_id": "pi_1", "amount": 0}, role="billing")
    assert status == 400
    assert {error["field"] for error in problem["errors"]} == {"amount", "reason"}
    assert call("POST", "/v1/refunds", {}, role="support")[0] == 403
    assert call("POST", "/v1/refunds", {}, role="product")[0] == 403


def test_an_idempotency_key_gives_back_once_and_takes_no_other_body(office: Office) -> None:
    payment_id = office.paid()
    order = {"payment_id": payment_id, "amount": 700, "reason": REASON}
    headers = {"idempotency-key": "ticket-7"}
    first, again = (call("POST", "/v1/refunds", order, role="billing", headers=headers) for _ in range(2))
    assert first == again
    other = call("POST", "/v1/refunds", order | {"amount": 800}, role="billing", headers=headers)
    assert other[0] == 409
    assert office.refunds(payment_id) == [700]
