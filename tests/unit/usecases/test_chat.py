"""What operators are told: in words without anybody's name, a post a second at most, and nothing lost.

Row B14 of docs/product.md.
"""

import json
import math
from datetime import timedelta
from typing import Any

import pytest

from functions.operations.tell_digest import handler as digest_handler
from functions.operations.tell_operators import handler as tell_handler
from infra import catalog
from tests.fakes.failing import given_up
from tests.fakes.steps import run, run_until
from tests.fakes.world import PUBLIC_URL, World
from usher.bootstrap.posting import batch_consumer
from usher.domain.chat_messages import LONGEST, ChatMessage, merged
from usher.domain.errors import UsherError, VendorRejected, VendorUnavailable
from usher.records.chat_slot import ChatSlot
from usher.records.signups import Signup
from usher.usecases.post_to_slack import MOST, Waiting, post_to_slack, waiting
from usher.usecases.tell_digest import tell_digest


def told(world: World, signup: Signup, kind: str, /, **payload: Any) -> ChatMessage:
    """The message that one of our events becomes."""
    detail = {
        "event_id": "evt_1",
        "type": kind,
        "version": 1,
        "timestamp": "2025-11-21T12:00:00.000Z",
        "account_id": signup.account_id or "acc_x",
        "sequence": 1,
        "correlation_id": signup.correlation_id,
        "payload": {"signup_id": signup.signup_id, **payload},
        "context": {},
    }
    tell_handler({"detail": detail}, None)
    ((queue, message),) = world.queue.take()
    assert queue == "chat"
    (one,) = Waiting.model_validate(message.body).messages
    return one


# -- words --------------------------------------------------------------------------------------------------


def test_a_failure_is_told_with_reason_whose_it_is_and_how_to_act(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    event = world.log.read(str(signup.account_id))[-1]
    text = told(world, signup, event.type, **event.payload).text
    assert "sync_crm failed: VendorUnavailable: answered 503" in text
    for part in (signup.account_id, signup.signup_id, "starter-monthly", signup.correlation_id):
        assert str(part) in text
    assert f"{PUBLIC_URL}/v1/signups/{signup.signup_id}" in text
    assert f"usher redrive {world.rows('failures')[0]['failure_id']} --reason" in text


def test_what_is_told_holds_no_personal_data(world: World) -> None:
    signup = given_up_of(world, "canary", name="Canary Smith", phone="+14155550199")
    event = world.log.read(str(signup.account_id))[-1]
    text = told(world, signup, event.type, **event.payload).text
    for id in (signup.signup_id, str(signup.account_id)):
        text = text.replace(id, "")
    assert "canary" not in text.casefold()
    assert "4155550199" not in text


def given_up_of(world: World, who: str, **values: Any) -> Signup:
    signup = run_until(world, "activate_account", world.given_signup(who, **values))
    world.crm.errors.append(VendorUnavailable("answered 503"))
    with pytest.raises(Exception, match="503"):
        run(world, "sync_crm", signup)
    run(world, "mark_degraded", signup, step="sync_crm")
    return world.signups.get(signup.signup_id)


def test_a_waiting_review_is_a_card_with_reasons_deadline_default_and_who(world: World) -> None:
    signup = run_until_waiting(world)
    (event,) = [e for e in world.log.read(str(signup.account_id)) if e.type == "onboarding.waiting"]
    card = told(world, signup, event.type, **event.payload)
    assert card.blocks is not None
    text = str(card.blocks)
    assert signup.waiting is not None
    for part in (*signup.waiting["reasons"], signup.waiting["deadline"], world.policy.review.default):
        assert part in text
        assert part in card.text  # what a notification shows
    assert world.policy.review.reviewer in text
    assert f"/v1/onboardings/{signup.signup_id}/decision" in text
    assert world.policy.review.delegate not in text


def test_the_reminder_of_a_review_names_who_may_decide_in_the_reviewer_s_place(world: World) -> None:
    signup = run_until_waiting(world)
    event = next(e for e in world.log.read(str(signup.account_id)) if e.type == "onboarding.waiting")
    text = told(world, signup, event.type, **{**event.payload, "reminder": True}).text
    assert text.startswith("Still waiting for a decision")
    assert "Who: sales, or in their place head of sales" in text


def run_until_waiting(world: World) -> Signup:
    signup = world.given_signup(plan="enterprise")
    assert run(world, "register_signup", signup) == "review"
    return world.signups.get(signup.signup_id)


def test_markup_in_a_reason_is_harmless(world: World) -> None:
    signup = world.given_signup()
    text = told(world, signup, "onboarding.rejected", reason="<!channel> & <https://evil|open>").text
    assert "&lt;!channel&gt; &amp; &lt;https://evil|open&gt;" in text


@pytest.mark.parametrize(
    "kind, payload, words",
    [
        ("onboarding.completed", {"plan": "free"}, "New customer"),
        (
            "onboarding.rolled_back",
            {"step": "create_identity", "reason": "taken"},
            "rolled back at create_id",
        ),
        ("onboarding.expired", {"reason": "nobody paid"}, "expired: nobody paid"),
        ("onboarding.repaired", {"step": "sync_crm", "by": "itself", "tries": 2}, "sync_crm (by itself)"),
        (
            "onboarding.stage_changed",
            {"stage": "paid", "former_stage": "quotation_sent"},
            "quotation_sent → paid",
        ),
    ],
)
def test_each_event_has_its_words(world: World, kind: str, payload: dict[str, Any], words: str) -> None:
    assert words in told(world, world.given_signup(), kind, **payload).text


def test_a_long_reason_is_cut(world: World) -> None:
    assert len(told(world, world.given_signup(), "onboarding.rejected", reason="x" * 9000).text) == LONGEST


def test_a_success_costs_no_call_unless_each_is_to_be_told(world: World) -> None:
    (rule,) = [rule for rule in catalog.RULES if rule.name == "tell-operators"]
    assert ("onboarding.completed" in rule.detail_types) == (world.policy.announce_success == "each")


# -- posts --------------------------------------------------------------------------------------------------


def post(world: World, *batch: Waiting) -> dict[int, UsherError]:
    return post_to_slack(
        batch, chat=world.chat, slot=ChatSlot(world.store), queue=world.queue, wall=world.clock.wall()
    )


def said(*texts: str, **more: Any) -> Waiting:
    return Waiting(messages=tuple(ChatMessage(text=text) for text in texts), **more)


def deliver(world: World) -> list[Waiting]:
    """What was sent to the queue, as its consumer gets it."""
    return [Waiting.model_validate(message.body) for _, message in world.queue.take()]


def test_messages_that_wait_together_are_one_post(world: World) -> None:
    assert post(world, said("one"), said("two")) == {}
    assert [text for text, _ in world.chat.posts] == ["one\n\ntwo"]


def test_a_post_within_the_second_of_another_is_put_off_and_not_failed(world: World) -> None:
    post(world, said("one"))
    assert post(world, said("two"), said("three")) == {}
    ((queue, message),) = world.queue.take()
    assert (queue, message.delay_seconds) == ("chat", 2)
    assert len(world.chat.posts) == 1
    world.clock.advance(2)
    assert post(world, Waiting.model_validate(message.body)) == {}
    assert world.chat.posts[-1][0] == "two\n\nthree"


def test_many_messages_keep_to_a_post_a_second_and_each_is_told_once(world: World) -> None:
    waits = [said(f"failure {number}") for number in range(50)]
    posted_at = []
    for _ in range(200):
        batch, waits = waits[:MOST], waits[MOST:]
        before = len(world.chat.posts)
        if batch:
            assert post(world, *batch) == {}
        if len(world.chat.posts) > before:
            posted_at.append(world.clock.wall())
        waits += deliver(world)
        world.clock.advance(0.2)
        if not waits:
            break
    lines = [line for text, _ in world.chat.posts for line in text.split("\n\n")]
    assert sorted(lines) == sorted(f"failure {number}" for number in range(50))
    gaps = [later - former for former, later in zip(posted_at, posted_at[1:], strict=False)]
    assert min(gaps) >= timedelta(seconds=1)
    assert len(world.chat.posts) == math.ceil(50 / MOST)


def test_a_dead_channel_fails_the_batch_which_comes_again(world: World) -> None:
    world.chat.errors.append(VendorUnavailable("answered 500"))
    failed = post(world, said("one"), said("two"))
    assert sorted(failed) == [0, 1]
    assert world.queue.take() == []


def test_what_failed_keeps_its_count_while_it_waits_and_then_counts_every_wait(world: World) -> None:
    """Else a channel that is dead would have the same messages sent again for ever."""
    post(world, said("one"))
    assert post(world, said("two", failed=3)) == {}
    (again,) = deliver(world)
    assert (again.failed, again.put_off) == (3, 1)
    assert list(post(world, said("two", failed=4), said("three"))) == [0]
    assert [each.messages[0].text for each in deliver(world)] == ["three"]


def test_the_consumer_counts_each_receive_but_the_first_as_a_failed_post(world: World) -> None:
    body = json.dumps(dict(waiting(ChatMessage(text="x"), failed=2).body))
    seen: list[Waiting] = []
    handler = batch_consumer(lambda batch: seen.extend(batch) or {})  # type: ignore[func-returns-value]  # None
    record = {"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": "3"}}
    assert handler({"Records": [record]}, None) == {"batchItemFailures": []}
    assert [each.failed for each in seen] == [4]


def test_a_message_that_slack_refuses_keeps_no_other_from_being_told(world: World) -> None:
    world.chat.errors += [VendorRejected("invalid_blocks"), VendorRejected("invalid_blocks")]
    assert post(world, said("bad"), said("good")) == {}
    batch = deliver(world)
    assert [(each.alone, len(each.messages)) for each in batch] == [(True, 1), (True, 1)]
    world.clock.advance(2)
    assert list(post(world, *batch)) == [0]  # the bad one goes alone, and fails alone
    world.clock.advance(2)
    assert post(world, *deliver(world)) == {}
    assert [text for text, _ in world.chat.posts] == ["good"]


def test_cards_and_lines_in_one_post_are_all_blocks(world: World) -> None:
    card = ChatMessage(text="card", blocks=[{"type": "section"}])
    post = merged([ChatMessage(text="line"), card])
    assert post.text == "line\n\ncard"
    assert [block["type"] for block in post.blocks or []] == ["section", "divider", "section"]


def test_a_full_post_of_cards_stays_within_slack_s_blocks() -> None:
    card = ChatMessage(text="card", blocks=[{"type": "section"}, {"type": "context"}])
    assert len(merged([card] * MOST).blocks or []) <= 50


# -- the digest ---------------------------------------------------------------------------------------------


def test_the_digest_counts_each_new_customer_once(world: World) -> None:
    for who in ("ada", "bo", "cy"):
        run_until(world, "send_welcome_mail", world.given_signup(who))
    run_until(world, "activate_account", world.given_signup("di"))
    lines = []
    for _ in range(4):
        world.clock.advance(15 * 60)
        digest_handler({}, None)
        lines += [each.messages[0].text for each in deliver(world)]
    assert lines == ["3 new customers among the sign-ups of 12:00 to 12:15 UTC"]


@pytest.mark.parametrize("announce", ["off", "each"])
def test_a_policy_without_a_digest_counts_nothing(world: World, announce: str) -> None:
    run_until(world, "send_welcome_mail", world.given_signup())
    world.clock.advance(16 * 60)
    policy = world.policy.model_copy(update={"announce_success": announce})
    assert tell_digest(store=world.store, queue=world.queue, policy=policy, clock=world.clock) == 0
    assert world.queue.take() == []


def test_a_message_of_the_queue_can_be_read_by_its_consumer() -> None:
    message = waiting(ChatMessage(text="x"), put_off=2, alone=True, delay=3)
    assert Waiting.model_validate(message.body) == said("x", put_off=2, alone=True)
    assert message.delay_seconds == 3
