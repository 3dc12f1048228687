"""POST /webhooks/stripe from API Gateway's event to the answer: what is stored, queued and acknowledged.

Row A2 of docs/product.md.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.intake.receive_stripe import handler
from tests.fakes.webhooks import NOON, stripe_body, stripe_post, stripe_signature
from tests.fakes.world import STRIPE_SECRET, World
from usher.domain.stripe_events import FOLLOWED

MAX_BODY = 1024 * 1024


def post(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = handler(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def refuse(world: World, event: dict[str, Any], status: int = 400) -> dict[str, Any]:
    """The problem that answers `event`; nothing is stored or queued for it."""
    answered, problem = post(event)
    assert answered == problem["status"] == status, problem
    assert world.stored() == {}
    assert world.queue.take() == []
    return problem


def test_an_event_is_stored_queued_in_its_customer_s_order_and_acknowledged(world: World) -> None:
    body = stripe_body("evt_9", type="invoice.paid", key="dashboard-1")
    assert post(stripe_post(body)) == (200, {"received": True})
    (row,) = world.rows("inbox")
    assert row["event_id"] == "stripe#evt_9"
    assert (row["body"], row["state"], row["type"]) == (body.decode(), "claimed", "invoice.paid")
    assert (row["object_kind"], row["object_id"], row["group"]) == ("subscription", "sub_0001", "cus_0001")
    assert row["idempotency_key"] == "dashboard-1"
    ((queue, message),) = world.queue.sent
    assert queue == "stripe-events"
    assert message.body == {"event_id": "stripe#evt_9", "group": "cus_0001"}
    assert (message.group, message.deduplication_id) == ("cus_0001", "evt_9")


@pytest.mark.parametrize("times", [1, 2])
def test_an_event_that_our_own_call_caused_is_stored_and_needs_no_more(world: World, times: int) -> None:
    for _ in range(times):
        assert post(stripe_post(key="signup/su_x/create-subscription/1"))[0] == 200
    (row,) = world.rows("inbox")
    assert (row["state"], row["outcome"], "pending" in row) == ("done", "echo", False)
    assert world.queue.sent == []


@pytest.mark.parametrize("kind", ["charge", "refund", "dispute", "credit_note"])
def test_what_our_own_call_paid_back_is_no_echo_because_no_step_records_it(world: World, kind: str) -> None:
    post(stripe_post(key="signup/su_x/refund/1", object={"id": "x_1", "object": kind}))
    assert len(world.queue.sent) == 1


@pytest.mark.parametrize("customer, former", [("cus_7", None), (None, "cus_7")])
def test_an_event_about_a_payment_method_is_one_about_who_has_or_had_it(
    world: World, customer: str | None, former: str | None
) -> None:
    data = {
        "object": {"id": "pm_1", "object": "payment_method", "customer": customer},
        "previous_attributes": {"customer": former},
    }
    assert post(stripe_post(type="payment_method.detached", data=data))[0] == 200
    (row,) = world.rows("inbox")
    assert (row["object_kind"], row["object_id"], row["group"]) == ("customer", "cus_7", "cus_7")


def test_a_card_that_a_sign_up_attaches_costs_no_look_and_one_that_its_customer_attaches_is_looked_at(
    world: World,
) -> None:
    card = {"id": "pm_1", "object": "payment_method", "customer": "cus_7"}
    ours = stripe_post(id="evt_1", type="payment_method.attached", key="signup/su_x/customer/1", object=card)
    assert (post(ours)[0], world.queue.sent) == (200, [])
    assert post(stripe_post(id="evt_2", type="payment_method.attached", object=card))[0] == 200
    assert len(world.queue.sent) == 1
    assert "payment_method.attached" in FOLLOWED


@pytest.mark.parametrize(
    "object, group",
    [
        ({"id": "cus_7", "object": "customer"}, "cus_7"),
        ({"id": "in_1", "object": "invoice", "customer": "cus_7"}, "cus_7"),
        ({"id": "pi_1", "object": "payment_intent", "customer": None}, "evt_1"),
        ({"object": "invoice", "customer": "cus_7"}, "cus_7"),
        ({"object": "balance", "livemode": False}, "evt_1"),
    ],
)
def test_events_of_one_customer_share_a_group(world: World, object: dict[str, Any], group: str) -> None:
    """An upcoming invoice and a balance have no id: there is nothing to fetch, but the event is no error."""
    assert post(stripe_post(object=object))[0] == 200
    ((_, message),) = world.queue.sent
    assert message.group == group


def test_a_repeat_of_something_unfinished_is_queued_again_and_of_something_done_is_not(world: World) -> None:
    for _ in range(2):
        assert post(stripe_post())[0] == 200
        assert len(world.queue.take()) == 1
    world.inbox.finish("stripe#evt_1", now=NOON)
    assert post(stripe_post())[0] == 200
    assert world.queue.take() == []
    assert len(world.rows("inbox")) == 1


def test_both_secrets_of_a_rotation_are_accepted_and_a_retired_one_is_not(world: World) -> None:
    world.secrets.rotate("stripe_webhook", "whsec_newer")
    assert post(stripe_post(id="evt_1", secret=STRIPE_SECRET))[0] == 200
    assert post(stripe_post(id="evt_2", secret="whsec_newer"))[0] == 200
    world.secrets.rotate("stripe_webhook", "whsec_newest")
    assert post(stripe_post(id="evt_3", secret=STRIPE_SECRET))[0] == 400
    assert len(world.rows("inbox")) == 2


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_stale_or_future_timestamp_is_refused(world: World, seconds: int) -> None:
    refuse(world, stripe_post(at=NOON + timedelta(seconds=seconds)))


@pytest.mark.parametrize("signature", ["", "t=1", "v1=abc", "nonsense", "\ud800", "t=\ud800,v1=\ud800"])
def test_a_header_that_is_no_signature_is_refused(world: World, signature: str) -> None:
    refuse(world, stripe_post(signature=signature))


def test_a_missing_header_is_refused(world: World) -> None:
    event = stripe_post()
    del event["headers"]["stripe-signature"]
    refuse(world, event)
    refuse(world, event | {"headers": None})


def test_a_tampered_body_is_refused(world: World) -> None:
    refuse(world, stripe_post(stripe_body("evt_2"), signature=stripe_signature(stripe_body("evt_1"))))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 100_000, rb'{"id":"\ud800"}', b'{"id":1,"id":2}']
)
def test_a_body_that_is_not_acceptable_json_is_malformed(world: World, body: bytes) -> None:
    refuse(world, stripe_post(body))


OBJECT = {"id": "sub_1", "object": "subscription", "customer": "cus_1"}


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": "evt 1"}, "id"),
        ({"id": "e" * 256}, "id"),
        ({"type": 5}, "type"),
        ({"created": "today"}, "created"),
        ({"created": 10**40}, "created"),
        ({"data": {}}, "data.object"),
        ({"data": {"object": []}}, "data.object"),
        ({"data": {"object": OBJECT | {"id": 5}}}, "data.object.id"),
        ({"data": {"object": OBJECT | {"id": "x" * 3000}}}, "data.object.id"),
        ({"data": {"object": OBJECT | {"customer": {"id": "cus_1"}}}}, "data.object.customer"),
        ({"data": {"object": OBJECT | {"customer": "c" * 200}}}, "data.object.customer"),
        ({"data": {"object": OBJECT | {"object": ""}}}, "data.object.object"),
        ({"request": "req_1"}, "request"),
        ({"object": "v2.core.event", "data": None}, "data"),
    ],
)
def test_what_is_no_stripe_event_is_malformed_and_says_where(
    world: World, fields: dict[str, Any], named: str
) -> None:
    body = json.dumps(json.loads(stripe_body()) | fields).encode()
    assert named in refuse(world, stripe_post(body))["detail"]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"evt_1"', b"1"])
def test_json_that_is_no_object_is_malformed(world: World, body: bytes) -> None:
    refuse(world, stripe_post(body))


def test_an_old_event_without_a_request_is_accepted(world: World) -> None:
    body = json.loads(stripe_body())
    assert post(stripe_post(json.dumps(body | {"request": None}).encode()))[0] == 200
    assert "idempotency_key" not in world.rows("inbox")[0]


def test_a_body_of_exactly_one_megabyte_is_taken_and_one_byte_more_is_too_much(world: World) -> None:
    padding = " " * (MAX_BODY - len(stripe_body()))
    refuse(world, stripe_post(stripe_body() + padding.encode() + b" "), 413)
    assert post(stripe_post(stripe_body() + padding.encode()))[0] == 200


def test_a_body_too_large_for_a_row_is_told_by_its_digest_alone(world: World) -> None:
    """Sync fetches the object, so nothing is lost: an event is a doorbell."""
    large = stripe_body(object=OBJECT | {"metadata": {"note": "n" * 500_000}})
    assert post(stripe_post(large))[0] == 200
    (row,) = world.rows("inbox")
    assert row["body"] == ""
    assert len(row["digest"]) == 64
    assert len(world.queue.sent) == 1


@given(st.binary(max_size=100))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_any_signed_bytes_are_refused_politely(world: World, body: bytes) -> None:
    refuse(world, stripe_post(body))


VALUES = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
MEMBERS = st.sampled_from(
    ["id", "type", "created", "data", "request", "object", "customer", "idempotency_key"]
)
OBJECTS = st.recursive(VALUES, lambda inner: st.dictionaries(MEMBERS, inner, max_size=4), max_leaves=8)


@given(st.dictionaries(MEMBERS, OBJECTS, max_size=5))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_any_signed_object_is_taken_or_refused(world: World, fields: dict[str, Any]) -> None:
    body = json.dumps(json.loads(stripe_body()) | fields).encode()
    assert post(stripe_post(body))[0] in {200, 400}


def test_a_store_that_fails_acknowledges_nothing(world: World) -> None:
    world.store.fail("write")
    assert post(stripe_post())[0] == 503
    assert world.stored() == {}
    assert world.queue.take() == []


@pytest.mark.parametrize("after_effect", [True, False])
def test_what_broke_between_storing_and_queueing_is_completed_by_the_repeat(
    world: World, after_effect: bool
) -> None:
    if after_effect:
        world.store.fail("write", after_effect=True)
    else:
        world.queue.outages = 1
    assert post(stripe_post())[0] == 503
    assert len(world.rows("inbox")) == 1
    assert post(stripe_post())[0] == 200
    assert len(world.queue.take()) == 1
