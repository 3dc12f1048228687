"""Sync: whatever order, number and age the events have, records end equal to the vendor's, told of once."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from functions.intake.receive_stripe import handler as receive
from tests.fakes.billing import RecordingBilling
from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.steps import run_until
from tests.fakes.webhooks import stripe_post
from tests.fakes.world import World
from usher.domain.errors import NotYet, StaleWrite, VendorUnavailable
from usher.ports.billing_facts import BillingFacts
from usher.ports.store import Delete, Put, Update
from usher.records.accounts import activating
from usher.records.billing import ids_in
from usher.records.signups import Signup
from usher.usecases.sync_billing import sync_billing

SUBSCRIPTION = {"id": "sub_0001", "object": "subscription", "customer": "cus_0001"}
INVOICE = {"id": "in_0001", "object": "invoice", "customer": "cus_0001"}
PAYMENT = {"id": "pi_0001", "object": "payment_intent", "customer": "cus_0001"}
CUSTOMER = {"id": "cus_0001", "object": "customer"}
PARKED: list[tuple[str, str, str]] = []  # what was told of events that were parked
LINKS = RecordingLinks()
TABLES = ("subscriptions", "invoices", "payments")


@pytest.fixture
def signup(world: World) -> Signup:
    """An account with a customer, and a subscription that only the vendor knows of."""
    PARKED.clear()
    signup = run_until(world, "create_billing_customer", world.given_signup())
    world.billing.create_subscription(
        customer_id="cus_0001",
        account_id=str(signup.account_id),
        signup_id=signup.signup_id,
        plan="starter-monthly",
        trial_days=0,
        correlation_id="cor",
        idempotency_key="checkout",
    )
    world.billing.calls.clear()
    return signup


def arrived(*objects: dict[str, Any], first: int = 1, **event: Any) -> list[str]:
    """Events about these objects through intake; returns their ids in the inbox."""
    ids = []
    for number, object in enumerate(objects, start=first):
        receive(stripe_post(id=f"evt_{number}", object=object, **event), None)
        ids.append(f"stripe#evt_{number}")
    return ids


def sync(world: World, event_ids: Sequence[str]) -> dict[str, str]:
    return sync_billing(
        event_ids,
        billing=world.billing,
        inbox=world.inbox,
        accounts=world.accounts,
        records=world.records,
        failures=world.failures,
        clock=world.clock,
        on_parked=lambda *what: PARKED.append(what),
        desk=desk_of(world, LINKS),
    )


PRICE = {"id": "price_1", "object": "price"}


def sync_sold(world: World, event_ids: Sequence[str], drift: str | None) -> dict[str, str]:
    return sync_billing(
        event_ids,
        billing=world.billing,
        inbox=world.inbox,
        accounts=world.accounts,
        records=world.records,
        failures=world.failures,
        clock=world.clock,
        on_parked=lambda *what: PARKED.append(what),
        desk=desk_of(world, LINKS),
        drift=lambda: drift,
    )


def records(world: World) -> str:
    volatile = {"recorded_at", "version"}
    rows = [
        {name: value for name, value in row.items() if name not in volatile}
        for table in TABLES
        for row in world.rows(table)
    ]
    return json.dumps(rows, sort_keys=True)


def told(world: World, signup: Signup) -> list[str]:
    return world.events(str(signup.account_id))[2:]


CREATED = [
    "subscription.created",
    "subscription.activated",
    "mrr.changed",
    "invoice.generated",
    "invoice.paid",
    "payment.succeeded",
]


def test_one_look_records_the_subscription_with_its_invoice_and_payment(world: World, signup: Signup) -> None:
    assert sync(world, arrived(SUBSCRIPTION)) == {"stripe#evt_1": "synced"}
    assert [len(world.rows(table)) for table in TABLES] == [1, 1, 1]
    assert told(world, signup) == CREATED
    assert world.inbox.get("stripe#evt_1")["state"] == "done"  # type: ignore[index]  # it is there


def test_many_events_of_one_customer_are_one_look(world: World, signup: Signup) -> None:
    events = arrived(INVOICE, PAYMENT, SUBSCRIPTION, INVOICE, SUBSCRIPTION, SUBSCRIPTION)
    assert set(sync(world, events).values()) == {"synced"}
    assert sum(world.billing.calls.values()) == 1
    assert told(world, signup) == CREATED


@pytest.mark.parametrize("order", list(itertools.permutations([SUBSCRIPTION, INVOICE, PAYMENT])))
def test_three_events_in_any_order_end_in_the_same_records_and_tell_once(
    world: World, signup: Signup, order: Sequence[dict[str, Any]]
) -> None:
    for event_id in arrived(*order):
        sync(world, [event_id])
    assert sorted(told(world, signup)) == sorted(CREATED)
    assert len(told(world, signup)) == len(set(told(world, signup)))
    statuses = [world.rows(table)[0]["status"] for table in TABLES]
    assert statuses == ["active", "paid", "succeeded"]
    assert {world.rows(table)[0]["account_id"] for table in TABLES} == {signup.account_id}


CHECKOUT = {"id": "cs_1", "object": "checkout.session", "customer": "cus_0001"}


@pytest.mark.parametrize("order", list(itertools.permutations([CHECKOUT, SUBSCRIPTION, INVOICE])))
def test_a_checkout_its_subscription_and_its_paid_invoice_in_any_order_begin_one_subscription(
    world: World, signup: Signup, order: Sequence[dict[str, Any]]
) -> None:
    for event_id in arrived(*order):
        assert sync(world, [event_id]) == {event_id: "synced"}
    assert told(world, signup).count("subscription.activated") == 1
    assert told(world, signup).count("mrr.changed") == 1
    assert [len(world.rows(table)) for table in TABLES] == [1, 1, 1]


def test_two_events_of_one_second_both_count(world: World, signup: Signup) -> None:
    """Neither's time says which came later, so neither's content is believed."""
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("sub_0001", quantity=2)
    (first,) = arrived(SUBSCRIPTION, first=2, created=1_700_000_000)
    sync(world, [first])
    world.billing.change("sub_0001", quantity=3)
    (second,) = arrived(SUBSCRIPTION, first=3, created=1_700_000_000)
    sync(world, [second])
    assert world.rows("subscriptions")[0]["quantity"] == 3
    assert told(world, signup)[len(CREATED) :] == ["subscription.upgraded", "mrr.changed"] * 2


def test_a_trial_s_paid_invoice_over_nothing_leaves_it_a_trial_that_brings_nothing(world: World) -> None:
    signup = run_until(world, "create_subscription", world.given_signup(trial=True, trial_days=14))
    sync(world, arrived(INVOICE, type="invoice.paid"))
    assert world.rows("subscriptions")[0]["status"] == "trialing"
    assert "mrr.changed" not in told(world, signup)
    assert world.rows("mrr") == []


def test_a_worker_that_dies_after_taking_an_event_leaves_it_to_the_next_delivery(
    world: World, signup: Signup
) -> None:
    (event_id,) = arrived(SUBSCRIPTION)
    world.queue.take()  # and nobody ever heard of that worker again
    assert arrived(SUBSCRIPTION) == [event_id]
    ((_, message),) = world.queue.take()
    assert sync(world, [message.body["event_id"]]) == {event_id: "synced"}
    assert told(world, signup) == CREATED


def test_an_event_of_an_update_before_that_of_the_creation_changes_nothing(
    world: World, signup: Signup
) -> None:
    world.billing.change("sub_0001", status="past_due")
    updated, created = arrived(SUBSCRIPTION, SUBSCRIPTION)
    sync(world, [updated])
    after_update = records(world)
    sync(world, [created])
    assert records(world) == after_update
    assert world.rows("subscriptions")[0]["status"] == "past_due"
    assert told(world, signup).count("subscription.created") == 1


def test_an_event_that_comes_twice_is_done_once(world: World, signup: Signup) -> None:
    (event_id,) = arrived(SUBSCRIPTION)
    sync(world, [event_id])
    looks = sum(world.billing.calls.values())
    assert sync(world, [event_id, event_id]) == {event_id: "done"}
    assert sum(world.billing.calls.values()) == looks
    assert told(world, signup) == CREATED


def test_an_event_that_was_never_stored_is_nothing_to_do(world: World, signup: Signup) -> None:
    assert sync(world, ["stripe#evt_unknown"]) == {"stripe#evt_unknown": "done"}
    assert world.rows("inbox") == []


def test_each_change_is_told_once_and_each_look_is_a_new_version(world: World, signup: Signup) -> None:
    for number, status in enumerate(["active", "past_due", "past_due", "active", "canceled"], start=1):
        world.billing.change("sub_0001", status=status)
        sync(world, arrived(SUBSCRIPTION, first=number))
    assert told(world, signup)[len(CREATED) :] == [
        "subscription.payment_failed",
        "subscription.payment_recovered",
        "subscription.activated",
        "subscription.canceled",
        "mrr.changed",
    ]
    assert world.rows("subscriptions")[0]["version"] == 5  # each look that was recorded, change or not


def test_since_when_a_payment_is_late_is_kept_until_it_is_not(world: World, signup: Signup) -> None:
    since: list[str | None] = []
    for number, status in enumerate(["active", "past_due", "past_due", "active"], start=1):
        world.clock.advance(60)  # within what signatures tolerate
        world.billing.change("sub_0001", status=status)
        sync(world, arrived(SUBSCRIPTION, first=number))
        since.append(world.rows("subscriptions")[0].get("past_due_since"))
    assert since == [None, "2025-11-21T12:02:00.000Z", "2025-11-21T12:02:00.000Z", None]


def test_a_field_that_the_vendor_took_away_is_gone(world: World, signup: Signup) -> None:
    world.billing.change("pi_0001", status="failed", failure_code="card_declined", failure_reason="No.")
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("pi_0001", status="succeeded", failure_code=None, failure_reason=None)
    sync(world, arrived(PAYMENT, first=2))
    (payment,) = world.rows("payments")
    assert payment["status"] == "succeeded"
    assert "failure_code" not in payment


def test_a_cancellation_that_was_taken_back_is_seen(world: World, signup: Signup) -> None:
    """Nothing but a field that is absent again tells of it."""
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("sub_0001", canceled_at=world.clock.now(), cancel_at_period_end=True)
    sync(world, arrived(SUBSCRIPTION, first=2))
    assert "canceled_at" in world.rows("subscriptions")[0]
    world.billing.change("sub_0001", canceled_at=None)
    sync(world, arrived(SUBSCRIPTION, first=3))
    assert "canceled_at" not in world.rows("subscriptions")[0]


def test_an_object_that_is_gone_at_the_vendor_changes_no_record(world: World, signup: Signup) -> None:
    sync(world, arrived(SUBSCRIPTION))
    kept = records(world)
    world.billing.subscriptions.clear()
    assert sync(world, arrived(SUBSCRIPTION, first=2)) == {"stripe#evt_2": "synced"}
    assert records(world) == kept


@pytest.mark.parametrize("kind", ["payout", "payment_link", "radar.early_fraud_warning"])
def test_a_kind_we_do_not_follow_is_stored_and_ignored(world: World, signup: Signup, kind: str) -> None:
    events = arrived({"id": "x_1", "object": kind, "customer": "cus_0001"})
    assert sync(world, events) == {"stripe#evt_1": "ignored"}
    assert world.rows("inbox")[0]["state"] == "done"
    assert sum(world.billing.calls.values()) == 0


def test_a_checkout_that_no_link_of_ours_opened_changes_nothing(world: World, signup: Signup) -> None:
    events = arrived({"id": "cs_1", "object": "checkout.session", "customer": "cus_0001"})
    assert sync(world, events) == {"stripe#evt_1": "synced"}
    assert world.rows("inbox")[0]["state"] == "done"
    assert [world.rows(table) for table in TABLES] == [[], [], []]


def test_an_upcoming_invoice_has_no_id_to_look_for(world: World, signup: Signup) -> None:
    assert sync(world, arrived({"object": "invoice", "customer": "cus_0001"})) == {"stripe#evt_1": "ignored"}


# -- whose is it --------------------------------------------------------------------------------------------


def test_an_event_that_comes_before_our_own_call_has_returned_finds_its_account(world: World) -> None:
    """The record does not name the customer yet; the customer's metadata names the account."""
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


# -- failures and races -------------------------------------------------------------------------------------


def test_a_vendor_outage_leaves_every_event_unfinished(world: World, signup: Signup) -> None:
    events = arrived(SUBSCRIPTION, CUSTOMER)
    world.billing.errors.append(VendorUnavailable("answered 500"))
    with pytest.raises(VendorUnavailable):
        sync(world, events)
    assert {row["state"] for row in world.rows("inbox")} == {"claimed"}
    assert set(sync(world, events).values()) == {"synced"}


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_crash_between_the_records_and_the_inbox_tells_once(
    world: World, signup: Signup, after_effect: bool
) -> None:
    events = arrived(SUBSCRIPTION)
    world.store.fail("transact", after_effect=after_effect)
    with pytest.raises(Exception, match="failed a transact"):
        sync(world, events)
    assert set(sync(world, events).values()) == {"synced"}
    assert told(world, signup) == CREATED


def test_an_answer_that_grew_old_never_overwrites_a_newer_one(world: World, signup: Signup) -> None:
    """Two syncs interleave: the first one asked before the change, and writes after the second."""
    first, second = arrived(SUBSCRIPTION, SUBSCRIPTION)

    def faster() -> None:
        world.billing.change("sub_0001", status="canceled")
        assert sync(world, [second]) == {second: "synced"}

    world.store.meanwhile("transact", faster)
    assert sync(world, [first]) == {first: "synced"}
    assert world.rows("subscriptions")[0]["status"] == "canceled"
    assert told(world, signup) == [
        "subscription.created",
        "subscription.canceled",
        "invoice.generated",
        "invoice.paid",
        "payment.succeeded",
    ]


def test_an_old_answer_about_a_known_object_loses_as_well(world: World, signup: Signup) -> None:
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("sub_0001", status="past_due")
    first, second = arrived(SUBSCRIPTION, SUBSCRIPTION, first=2)

    def faster() -> None:
        world.billing.change("sub_0001", status="active")
        sync(world, [second])

    world.store.meanwhile("transact", faster)
    sync(world, [first])
    assert world.rows("subscriptions")[0]["status"] == "active"


class RestlessBilling(RecordingBilling):
    """A subscription that changes before and after every look, and somebody who records it at once."""

    def fetch(self, kind: str, id: str) -> BillingFacts | None:
        self._more()
        answer = super().fetch(kind, id)
        self._more()
        self.told(super().fetch(kind, id))
        return answer

    def _more(self) -> None:
        self.change("sub_0001", quantity=self.subscriptions["sub_0001"].quantity + 1)

    def told(self, facts: BillingFacts | None) -> None:
        """Set by the test."""


def test_an_object_that_changes_faster_than_it_is_written_is_tried_again_later(
    world: World, signup: Signup
) -> None:
    calm = world.billing
    restless = RestlessBilling(
        subscriptions=calm.subscriptions, invoices=calm.invoices, payments=calm.payments
    )

    def record(facts: BillingFacts | None) -> None:
        assert facts is not None
        world.records.record(
            facts,
            account_id=str(signup.account_id),
            known=world.records.known(ids_in(facts)),
            correlation_id="cor",
            now=world.clock.now(),
        )

    restless.told = record  # type: ignore[method-assign]  # while it answers
    world.billing = restless
    events = arrived(SUBSCRIPTION)
    with pytest.raises(StaleWrite, match="kept changing"):
        sync(world, events)
    assert world.rows("inbox")[0]["state"] == "claimed"
    world.billing = calm
    assert set(sync(world, events).values()) == {"synced"}
    assert world.rows("subscriptions")[0]["quantity"] == calm.subscriptions["sub_0001"].quantity


def test_a_payment_seen_without_its_invoice_keeps_the_invoice_it_belongs_to(
    world: World, signup: Signup
) -> None:
    """Since basil a PaymentIntent does not name its invoice; the invoice names its payments."""
    sync(world, arrived(SUBSCRIPTION))
    world.billing.change("pi_0001", invoice_id=None, method="card")
    sync(world, arrived(PAYMENT, first=2))
    (payment,) = world.rows("payments")
    assert (payment["invoice_id"], payment["method"]) == ("in_0001", "card")


def test_an_attribute_that_somebody_else_keeps_on_a_record_stays(world: World, signup: Signup) -> None:
    """A newer version's field, say, while an older one is still running."""
    sync(world, arrived(SUBSCRIPTION))
    world.store.write(Update("subscriptions", {"subscription_id": "sub_0001"}, set={"added_later": 1}))
    world.billing.change("sub_0001", status="past_due")
    sync(world, arrived(SUBSCRIPTION, first=2))
    (subscription,) = world.rows("subscriptions")
    assert (subscription["status"], subscription["added_later"]) == ("past_due", 1)


# -- one look is enough -------------------------------------------------------------------------------------


def looks(world: World) -> int:
    return sum(world.billing.calls.values())


def test_a_known_invoice_that_comes_back_unchanged_costs_no_second_look(world: World, signup: Signup) -> None:
    sync(world, arrived(SUBSCRIPTION))
    before = looks(world)
    world.billing.change("sub_0001", status="past_due")
    sync(world, arrived(SUBSCRIPTION, first=2))
    assert looks(world) == before + 1
    assert world.rows("subscriptions")[0]["status"] == "past_due"
    assert {row["version"] for table in ("invoices", "payments") for row in world.rows(table)} == {1}


def test_a_known_invoice_that_changed_is_written_after_a_second_look_only(
    world: World, signup: Signup
) -> None:
    """What we held of it was read after the question: the answer may be older than that."""
    sync(world, arrived(SUBSCRIPTION))
    before = looks(world)
    world.billing.change("in_0001", status="void")
    sync(world, arrived(SUBSCRIPTION, first=2))
    assert looks(world) == before + 2
    assert (world.rows("invoices")[0]["status"], world.rows("invoices")[0]["version"]) == ("void", 2)


def test_an_invoice_recorded_while_we_asked_is_not_set_back_by_our_older_answer(
    world: World, signup: Signup
) -> None:
    first, second = arrived(SUBSCRIPTION, INVOICE)

    def faster() -> None:
        world.billing.change("in_0001", status="void")
        sync(world, [second])

    world.store.meanwhile("get", faster, skip=2)  # after the inbox, the subscription: the answer's invoice
    sync(world, [first])
    assert world.rows("invoices")[0]["status"] == "void"


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


# -- what is sold -------------------------------------------------------------------------------------------


def test_prices_and_products_are_looked_at_as_one_catalog(world: World) -> None:
    events = arrived(PRICE, {"id": "usher_pro", "object": "product"}, type="price.updated")
    assert {row["group"] for row in world.rows("inbox")} == {"catalog"}
    assert set(sync_sold(world, events, None).values()) == {"synced"}
    assert {row["state"] for row in world.rows("inbox")} == {"done"}


def test_a_catalog_that_is_being_changed_is_looked_at_again_and_one_that_stays_different_is_reported(
    world: World,
) -> None:
    PARKED.clear()
    (event_id,) = arrived(PRICE, type="price.updated")
    with pytest.raises(NotYet):
        sync_sold(world, [event_id], "price pro-monthly: amount is '5900' there")
    world.clock.advance(121)
    assert sync_sold(world, [event_id], "price pro-monthly: amount is '5900' there") == {event_id: "parked"}
    ((_, _, reason),) = PARKED
    assert "pro-monthly" in reason
    assert sync_sold(world, [event_id], None) == {event_id: "synced"}  # mended, and redriven
