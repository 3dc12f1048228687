"""Sync: whose an event is, and what it says of the customer itself."""

from typing import Any

import pytest

from tests.fakes.steps import run_until
from tests.fakes.syncing import (
    CUSTOMER,
    INVOICE,
    PARKED,
    PAYMENT,
    SUBSCRIPTION,
    TABLES,
    arrived,
    looks,
    subscriber,
    sync,
    told,
)
from tests.fakes.world import World
from usher.ports.store import Delete, Put
from usher.records.accounts import activating
from usher.records.signups import Signup


@pytest.fixture
def signup(world: World) -> Signup:
    return subscriber(world)


def made_and_not_answered(world: World) -> Signup:
    """A sign-up whose customer is made, while the call that made it has not returned."""
    signup = run_until(world, "register_signup", world.given_signup())
    world.billing.create_customer(
        account_id=str(signup.account_id),
        signup_id=signup.signup_id,
        email=signup.email,
        name=signup.name,
        phone=None,
        payment_method=None,
        correlation_id="cor",
        idempotency_key="elsewhere",
    )
    return signup


def test_an_event_that_comes_before_our_own_call_has_returned_finds_its_account(world: World) -> None:
    """The record does not name the customer yet; the customer's metadata names the account."""
    made_and_not_answered(world)
    assert sync(world, arrived(CUSTOMER)) == {"stripe#evt_1": "synced"}


@pytest.mark.parametrize("object", [SUBSCRIPTION, INVOICE, PAYMENT])
def test_any_object_of_a_customer_finds_the_account_by_metadata(
    world: World, signup: Signup, object: dict[str, Any]
) -> None:
    link = world.accounts.link_customer(str(signup.account_id), "cus_of_before")
    world.store.write(link)
    assert sync(world, arrived(object)) == {"stripe#evt_1": "synced"}


@pytest.mark.parametrize("object", [SUBSCRIPTION, INVOICE, PAYMENT, CUSTOMER])
def test_an_event_of_an_unknown_customer_is_parked_with_the_reason(
    world: World, signup: Signup, object: dict[str, Any]
) -> None:
    world.database.write(lambda connection: connection.execute("DELETE FROM item_accounts"))
    assert sync(world, arrived(object)) == {"stripe#evt_1": "parked"}
    (row,) = world.rows("inbox")
    assert (row["state"], "pending" in row) == ("parked", False)
    assert object["id"] in row["reason"]
    assert [("stripe#evt_1", "customer.subscription.updated", row["reason"])] == PARKED
    assert [world.rows(table) for table in TABLES] == [[], [], []]


def test_a_parked_event_that_is_replayed_once_its_account_is_known_is_done(world: World) -> None:
    (event_id,) = arrived(CUSTOMER)
    signup = run_until(world, "create_billing_customer", world.given_signup())
    account = world.store.get("accounts", {"account_id": str(signup.account_id)})
    assert account is not None
    world.store.write(Delete("accounts", {"account_id": str(signup.account_id)}))
    assert sync(world, [event_id]) == {event_id: "parked"}
    world.store.write(Put("accounts", account))
    assert sync(world, [event_id]) == {event_id: "synced"}
    assert world.rows("inbox")[0]["state"] == "done"


def test_one_unknown_customer_does_not_keep_the_others_from_being_done(world: World, signup: Signup) -> None:
    stranger = {"id": "pi_x", "object": "payment_intent", "customer": None}
    payment = world.billing.payments["pi_0001"]
    world.billing.payments["pi_x"] = payment.model_copy(
        update={"payment_id": "pi_x", "customer_id": None, "invoice_id": None}
    )
    outcomes = sync(world, arrived(stranger, SUBSCRIPTION))
    assert outcomes == {"stripe#evt_1": "parked", "stripe#evt_2": "synced"}


# -- the customer -------------------------------------------------------------------------------------------


def account_row(world: World) -> dict[str, Any]:
    (row,) = world.rows("accounts")
    return row


def last_event(world: World, signup: Signup) -> tuple[str, dict[str, Any]]:
    event = world.log.read(str(signup.account_id))[-1]
    return event.type, event.payload


def test_a_customer_as_we_made_it_changes_nothing(world: World, signup: Signup) -> None:
    before = account_row(world)
    assert sync(world, arrived(CUSTOMER)) == {"stripe#evt_1": "synced"}
    assert account_row(world) == before | {"version": before["version"] + 1}
    assert told(world, signup) == []


def test_a_customer_s_new_e_mail_and_debt_are_kept_and_told_without_their_values(
    world: World, signup: Signup
) -> None:
    world.billing.change("cus_0001", email="books@example.com", delinquent=True)
    sync(world, arrived(CUSTOMER, type="customer.updated"))
    row = account_row(world)
    assert (row["billing_email"], row["delinquent"]) == ("books@example.com", True)
    assert last_event(world, signup) == (
        "account.billing_changed",
        {"changed": ["billing_email", "delinquent"]},
    )
    assert looks(world) == 1


def test_a_customer_s_change_is_told_once(world: World, signup: Signup) -> None:
    world.billing.change("cus_0001", delinquent=True)
    sync(world, arrived(CUSTOMER))
    sync(world, arrived(CUSTOMER, first=2))
    assert told(world, signup) == ["account.billing_changed"]


def test_an_e_mail_that_the_vendor_took_away_is_gone(world: World, signup: Signup) -> None:
    world.billing.change("cus_0001", email=None)
    sync(world, arrived(CUSTOMER))
    assert "billing_email" not in account_row(world)


def test_a_deleted_customer_is_noted_with_its_time_and_told_once(world: World, signup: Signup) -> None:
    """A deleted customer comes as its id alone."""
    world.billing.change("cus_0001", deleted=True, email=None, account_id=None)
    sync(world, arrived(CUSTOMER, type="customer.deleted"))
    deleted_at = account_row(world)["customer_deleted_at"]
    world.clock.advance(60)
    sync(world, arrived(CUSTOMER, type="customer.updated", first=2))
    row = account_row(world)
    assert (row["customer_deleted_at"], row["billing_email"]) == (deleted_at, "ada@example.com")
    assert told(world, signup) == ["account.customer_deleted"]
    assert last_event(world, signup)[1] == {"customer_id": "cus_0001"}


def test_another_customer_that_names_the_account_changes_nothing_of_it(world: World, signup: Signup) -> None:
    other = world.billing.customers["cus_0001"].model_copy(
        update={"customer_id": "cus_0002", "email": "else@example.com", "deleted": False}
    )
    world.billing.customers["cus_0002"] = other
    before = account_row(world)
    assert sync(world, arrived({"id": "cus_0002", "object": "customer"})) == {"stripe#evt_1": "synced"}
    assert account_row(world) == before | {"version": before["version"] + 1}
    assert told(world, signup) == []


def test_a_customer_seen_before_our_own_call_returned_is_linked_and_nothing_is_told(world: World) -> None:
    signup = made_and_not_answered(world)
    sync(world, arrived(CUSTOMER))
    assert account_row(world)["customer_id"] == "cus_0001"
    assert told(world, signup) == []


def test_an_old_answer_about_a_customer_loses_to_a_newer_one(world: World, signup: Signup) -> None:
    world.billing.change("cus_0001", email="old@example.com")
    first, second = arrived(CUSTOMER, CUSTOMER)

    def faster() -> None:
        world.billing.change("cus_0001", email="new@example.com")
        sync(world, [second])

    world.store.meanwhile("transact", faster)
    sync(world, [first])
    assert account_row(world)["billing_email"] == "new@example.com"
    assert told(world, signup) == ["account.billing_changed"]


def test_an_account_that_changes_meanwhile_keeps_both_changes(world: World, signup: Signup) -> None:
    world.billing.change("cus_0001", delinquent=True)
    activation = activating(signup, account_id=str(signup.account_id), now_text="2025-11-21T12:00:01.000Z")
    world.store.meanwhile("transact", lambda: world.store.inner.write(activation) and None)
    sync(world, arrived(CUSTOMER))
    row = account_row(world)
    assert (row["status"], row["delinquent"]) == ("active", True)
