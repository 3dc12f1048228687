"""Sync: failures, races with whoever writes at once, and how often the vendor is asked."""

import pytest

from tests.fakes.billing import RecordingBilling
from tests.fakes.syncing import (
    CREATED,
    CUSTOMER,
    INVOICE,
    PAYMENT,
    SUBSCRIPTION,
    arrived,
    looks,
    subscriber,
    sync,
    told,
)
from tests.fakes.world import World
from usher.domain.errors import StaleWrite, VendorUnavailable
from usher.ports.billing_facts import BillingFacts
from usher.ports.store import Update
from usher.records.billing import ids_in
from usher.records.signups import Signup


@pytest.fixture
def signup(world: World) -> Signup:
    return subscriber(world)


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
