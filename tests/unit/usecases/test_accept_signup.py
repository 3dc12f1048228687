"""POST /webhooks/signup from API Gateway's event to the answer: what is stored, queued and acknowledged.

Row A1 of docs/product.md.
"""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from functions.intake.receive_signup import handler
from tests.fakes.intake import MAX_BODY, NEWER, NEWEST, post, refuse
from tests.fakes.webhooks import ADA, NOON, signup_body, signup_post
from tests.fakes.world import SIGNUP_SECRET, World
from usher.domain.emails import claim_key
from usher.records.reopening import claiming, restarting

# -- what is accepted ---------------------------------------------------------------------------------------


def test_a_sign_up_is_stored_queued_and_acknowledged(world: World) -> None:
    status, accepted = post(signup_post())
    assert status == 202
    assert accepted["status_url"] == f"https://usher.example.com/v1/signups/{accepted['signup_id']}"
    assert world.stored() == {"inbox": 1, "signups": 1, "claims": 1}
    (queue, message), *rest = world.queue.sent
    assert (queue, rest) == ("signups", [])
    ids = {"signup_id": accepted["signup_id"], "correlation_id": accepted["correlation_id"]}
    assert message.body == {**ids, "event_id": "signup#msg_1"}


def test_the_inbox_keeps_the_bytes_and_the_record_what_they_said(world: World) -> None:
    body = signup_body(phone="+1 415 555 0123", referral_source="a friend", consent={"marketing": True})
    _, accepted = post(signup_post(body))
    (row,) = world.rows("inbox")
    assert (row["body"], row["state"], row["source"]) == (body.decode(), "claimed", "signup")
    signup = world.signups.get(accepted["signup_id"])
    assert signup.status == signup.stage == "received"
    assert signup.received_at == "2025-11-21T12:00:00.000Z"
    assert (signup.phone, signup.marketing_consent) == ("+14155550123", True)
    assert (signup.company_name, signup.plan, signup.payment) == ("Analytical Engines", ADA["plan"], "card")


@pytest.mark.parametrize(
    "data",
    [
        {"plan": "free", "payment_method": None, "company": None},
        {"trial": True, "payment_method": None},
        {"plan": "enterprise", "payment": "invoice", "payment_method": None},
        {"company": {"name": "Ünïcode GmbH & Söhne", "domain": "example.co.uk", "size": 10}},
        {"email": "ada.lovelace+new@sub.example.com", "locale": "de-AT", "external_id": "crm|42"},
        {"email": "ädä@exämple.com", "sso_subject": "google-oauth2|1234", "invitation_key": "BETA-1"},
    ],
)
def test_every_optional_field_is_optional(world: World, data: dict[str, Any]) -> None:
    assert post(signup_post(**data))[0] == 202


@pytest.mark.parametrize("in_base64", [True, False])
def test_a_body_may_come_in_base64(world: World, in_base64: bool) -> None:
    assert post(signup_post(name="Zoë 🚀", in_base64=in_base64))[0] == 202


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8;x=y"]
)
def test_a_content_type_may_have_parameters_and_capitals(world: World, kind: str) -> None:
    assert post(signup_post(headers={"content-type": kind}))[0] == 202


def test_header_names_may_have_capitals(world: World) -> None:
    event = signup_post()
    event["headers"] = {name.title(): value for name, value in event["headers"].items()}
    assert post(event)[0] == 202


def test_both_secrets_of_a_rotation_are_accepted_and_a_retired_one_is_not(world: World) -> None:
    world.secrets.rotate("signup_webhook", NEWER)
    assert post(signup_post(webhook_id="msg_1", secret=SIGNUP_SECRET))[0] == 202
    assert post(signup_post(webhook_id="msg_2", secret=NEWER, email="bob@example.com"))[0] == 202
    world.secrets.rotate("signup_webhook", NEWEST)
    world.queue.take()
    refuse(world, signup_post(webhook_id="msg_3", secret=SIGNUP_SECRET, email="eve@example.com"), 401)


def padded(size: int) -> bytes:
    return signup_body() + b" " * (size - len(signup_body()))


def test_a_body_of_exactly_256_kb_is_read_and_one_byte_more_is_too_much(world: World) -> None:
    refuse(world, signup_post(padded(MAX_BODY + 1)), 413)
    assert post(signup_post(padded(MAX_BODY)))[0] == 202


# -- repeats ------------------------------------------------------------------------------------------------


def test_a_repeat_gets_the_same_answer_and_stores_nothing_more(world: World) -> None:
    first = post(signup_post())
    stored = world.stored()
    assert post(signup_post(at=NOON + timedelta(seconds=60))) == first
    assert world.stored() == stored


def test_a_repeat_of_something_unfinished_is_queued_again(world: World) -> None:
    post(signup_post())
    (_, message), *_ = world.queue.take()
    post(signup_post())
    assert world.queue.take() == [("signups", message)]


def test_a_repeat_of_something_done_is_not_queued_again(world: World) -> None:
    first = post(signup_post())
    world.inbox.finish("signup#msg_1", now=NOON)
    world.queue.take()
    assert post(signup_post()) == first
    assert world.queue.take() == []


def test_the_same_webhook_id_with_another_body_is_a_conflict(world: World) -> None:
    post(signup_post())
    world.queue.take()
    refuse(world, signup_post(name="Ada King"), 409)


def test_the_same_person_under_another_webhook_id_gets_the_former_answer(world: World) -> None:
    first = post(signup_post())
    assert post(signup_post(webhook_id="msg_2", email="ADA@Example.com", plan="pro-monthly")) == first
    assert len(world.rows("signups")) == len(world.rows("claims")) == 1
    assert len(world.rows("inbox")) == 2
    assert post(signup_post(webhook_id="msg_2", email="ADA@Example.com", plan="pro-monthly")) == first


def test_the_second_webhook_id_of_a_person_is_held_to_its_body_too(world: World) -> None:
    post(signup_post())
    post(signup_post(webhook_id="msg_2", name="Ada King"))
    world.queue.take()
    refuse(world, signup_post(webhook_id="msg_2", name="Ada Byron"), 409)


@pytest.mark.parametrize(
    "status, queued", [("received", 1), ("provisioning", 0), ("active", 0), ("failed", 0)]
)
def test_a_person_who_was_never_dispatched_is_queued_by_a_repeat(
    world: World, status: str, queued: int
) -> None:
    _, accepted = post(signup_post())
    world.signups.change(accepted["signup_id"], {"status": status})
    world.queue.take()
    post(signup_post(webhook_id="msg_2"))
    messages = world.queue.take()
    assert [message.body["signup_id"] for _, message in messages] == [accepted["signup_id"]] * queued


@pytest.mark.parametrize("status", ["rolled_back", "rejected", "expired"])
def test_after_an_undone_sign_up_the_person_may_sign_up_anew(world: World, status: str) -> None:
    _, former = post(signup_post())
    world.signups.change(former["signup_id"], {"status": status})
    world.queue.take()
    answered, accepted = post(signup_post(webhook_id="msg_2", plan="pro-monthly"))
    assert answered == 202
    assert accepted["signup_id"] != former["signup_id"]
    assert world.signups.get(accepted["signup_id"]).plan == "pro-monthly"
    assert world.rows("claims") == [{"claim": claim_key(ADA["email"]), "signup_id": accepted["signup_id"]}]
    assert len(world.queue.take()) == 1
    assert post(signup_post(webhook_id="msg_3")) == (answered, accepted)


@pytest.mark.parametrize("status", ["active", "degraded", "failed", "provisioning", "waiting_payment"])
def test_a_sign_up_that_is_open_or_succeeded_holds_its_address(world: World, status: str) -> None:
    first = post(signup_post())
    world.signups.change(first[1]["signup_id"], {"status": status})
    assert post(signup_post(webhook_id="msg_2")) == first


def test_a_repeat_after_the_inbox_row_expired_finds_its_record(world: World) -> None:
    first = post(signup_post())
    world.database.write(lambda connection: connection.execute("DELETE FROM item_inbox"))
    world.queue.take()
    assert post(signup_post()) == first
    assert world.stored() == {"signups": 1, "claims": 1}


def together(events: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    gate = threading.Barrier(len(events))

    def one(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        gate.wait()
        return post(event)

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(one, events))


@pytest.mark.parametrize("same_webhook", [True, False])
def test_one_person_posted_twenty_times_at_once_is_one_sign_up(world: World, same_webhook: bool) -> None:
    answers = together([signup_post(webhook_id="msg" if same_webhook else f"msg_{n}") for n in range(20)])
    assert [status for status, _ in answers] == [202] * 20
    assert len({answer["signup_id"] for _, answer in answers}) == 1
    assert len(world.rows("signups")) == len(world.rows("claims")) == 1
    assert {message.body["signup_id"] for _, message in world.queue.sent} == {answers[0][1]["signup_id"]}


def test_a_redrive_that_comes_between_keeps_the_former_sign_up(world: World) -> None:
    """Between looking at how the former one ended and claiming its e-mail."""
    _, former = post(signup_post())
    undone = world.signups.change(former["signup_id"], {"status": "rolled_back"})
    world.queue.take()
    world.store.meanwhile(
        "transact", lambda: world.store.inner.transact([restarting(undone), claiming(undone)]), skip=1
    )
    status, accepted = post(signup_post(webhook_id="msg_2"))
    assert (status, accepted["signup_id"]) == (202, former["signup_id"])
    assert [signup["status"] for signup in world.rows("signups")] == ["provisioning"]


def test_one_person_signing_up_anew_twenty_times_at_once_is_one_new_sign_up(world: World) -> None:
    _, former = post(signup_post())
    world.signups.change(former["signup_id"], {"status": "rejected"})
    answers = together([signup_post(webhook_id=f"again_{n}") for n in range(20)])
    assert [status for status, _ in answers] == [202] * 20
    assert len({answer["signup_id"] for _, answer in answers}) == 1
    assert len(world.rows("signups")) == 2


# -- when storage fails -------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["transact"])
def test_a_store_that_fails_acknowledges_nothing_and_the_repeat_succeeds(
    world: World, operation: str
) -> None:
    world.store.fail(operation)
    answer = handler(signup_post(), None)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")
    assert world.stored() == {}
    assert world.queue.take() == []
    assert post(signup_post())[0] == 202


def test_a_store_that_is_down_acknowledges_nothing(world: World) -> None:
    world.store.is_down = True
    assert post(signup_post())[0] == 503
    world.store.is_down = False
    assert world.stored() == {}


def test_an_answer_of_the_store_that_was_lost_is_completed_by_the_repeat(world: World) -> None:
    world.store.fail("transact", after_effect=True)
    assert post(signup_post())[0] == 503
    assert world.queue.take() == []
    assert post(signup_post())[0] == 202
    assert len(world.queue.take()) == 1
    assert world.stored() == {"inbox": 1, "signups": 1, "claims": 1}


def test_a_queue_that_fails_after_the_store_acknowledges_nothing_and_the_repeat_completes_it(
    world: World,
) -> None:
    world.queue.outages = 1
    assert post(signup_post())[0] == 503
    assert world.stored() == {"inbox": 1, "signups": 1, "claims": 1}
    assert post(signup_post())[0] == 202
    assert len(world.queue.take()) == 1


@pytest.mark.parametrize("operation", ["get", "write"])
def test_a_store_that_fails_while_a_repeat_is_told_apart_acknowledges_nothing(
    world: World, operation: str
) -> None:
    first = post(signup_post())
    world.store.fail(operation)
    assert post(signup_post(webhook_id="msg_2"))[0] == 503
    assert post(signup_post(webhook_id="msg_2")) == first


# -- what is not said ---------------------------------------------------------------------------------------


def test_no_log_line_holds_what_the_sign_up_said(world: World, log: io.StringIO) -> None:
    canary = {"name": "Canary Smith", "email": "canary@example.com", "phone": "+14155550199"}
    post(signup_post(**canary))
    post(signup_post(**canary | {"name": "Other Canary"}))
    post(signup_post(**canary | {"plan": "canary"}))
    world.queue.outages = 1
    post(signup_post(**canary))
    told = log.getvalue()
    assert "request refused" in told and "request failed" in told
    assert "canary" not in told.casefold()
    assert "4155550199" not in told


@pytest.mark.parametrize(
    "text",
    ["{{constructor}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "%s%n", "=HYPERLINK(1)", "'; --"],
)
def test_templates_in_names_stay_text(world: World, text: str) -> None:
    _, accepted = post(signup_post(name=text, company={"name": text}, referral_source=text))
    signup = world.signups.get(accepted["signup_id"])
    assert (signup.name, signup.company_name, signup.referral_source) == (text, text, text)
    (_, message), *_ = world.queue.sent
    assert text not in json.dumps(dict(message.body))


def test_keys_and_messages_hold_no_personal_data(world: World) -> None:
    post(signup_post())
    keys = [row["claim"] for row in world.rows("claims")] + [row["event_id"] for row in world.rows("inbox")]
    keys += [json.dumps([message.body, dict(message.attributes)]) for _, message in world.queue.sent]
    assert not [key for key in keys if "ada" in key.casefold()]
