"""Invitations: keys made once, used once, given back, revoked; what the beta phase makes of a sign-up."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.api import call
from tests.fakes.steps import payload, run, run_until
from tests.fakes.world import World
from usher.bootstrap import policies
from usher.domain.errors import RetryableError
from usher.domain.invitations import invitation_id
from usher.settings import Settings, beta_phase
from usher.settings import install as install_settings
from usher.usecases import gates


@pytest.fixture
def beta(world: World) -> World:
    """A world in its beta phase."""
    world.policy = world.policy.model_copy(update={"beta_phase": True})
    return world


def make(count: int = 1, **body: Any) -> list[dict[str, Any]]:
    status, answer = call("POST", "/v1/invitations", {"count": count, **body}, role="support", subject="sue")
    assert status == 201
    items: list[dict[str, Any]] = answer["items"]
    return items


def given(world: World, who: str, key: str | None, **values: Any) -> Any:
    """A sign-up for the Beta plan with this key, as intake leaves it."""
    id = invitation_id(key) if key else None
    return world.given_signup(who, invitation_id=id, plan="beta", payment_method=None, **values)


def test_keys_are_shown_once_with_their_links_and_stored_by_hash(world: World) -> None:
    made = make(3, note="for the fair")
    keys = {each["key"] for each in made}
    assert len(keys) == 3
    assert all(each["link"] == f"https://app.example.com/?invitation-key={each['key']}" for each in made)
    stored = json.dumps(world.rows("invitations") + world.rows("audit") + world.rows("idempotency"))
    assert not any(key in stored for key in keys)
    status, listed = call("GET", "/v1/invitations", role="support")
    assert (status, {each["invitation_id"] for each in listed["items"]}) == (
        200,
        set(map(invitation_id, keys)),
    )
    assert not any("key" in each for each in listed["items"])
    (entry,) = world.rows("audit")
    assert (entry["action"], entry["actor"], entry["reason"]) == ("invitations.make", "sue", "for the fair")


def test_a_repeat_of_the_request_makes_no_keys_and_shows_none(world: World) -> None:
    headers = {"idempotency-key": "fair-1"}
    status, first = call("POST", "/v1/invitations", {"count": 2}, role="support", headers=headers)
    assert (status, len(first["items"])) == (201, 2)
    status, second = call("POST", "/v1/invitations", {"count": 2}, role="support", headers=headers)
    assert (status, second["detail"].split(";")[0]) == (
        409,
        "This was done before under the same Idempotency-Key",
    )
    assert second["correlation_id"]
    assert len(world.rows("invitations")) == 2
    assert not any(each["key"] in json.dumps(world.rows("idempotency")) for each in first["items"])


def test_in_the_beta_phase_a_key_opens_the_door_once(beta: World) -> None:
    (made,) = make()
    first = run_until(beta, "activate_account", given(beta, "ada", made["key"]))
    assert (first.status, first.invited) == ("active", True)
    assert run(beta, "register_signup", given(beta, "bob", made["key"])) == "reject"
    verdict = beta.signups.get(given(beta, "bob", made["key"]).signup_id)
    assert verdict.invited is False
    (row,) = beta.rows("invitations")
    assert (row["state"], row["signup_id"]) == ("used", first.signup_id)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("unknown", "its invitation key is none of ours"),
        ("expired", "its invitation key has expired"),
        ("revoked", "its invitation key was revoked"),
        ("used", "its invitation key was used already"),
        ("none", "no invitation key came with it"),
    ],
)
def test_who_has_no_good_key_is_rejected_with_the_reason(beta: World, spoil: str, reason: str) -> None:
    (made,) = make(expires_in_days=1)
    key: str | None = made["key"]
    if spoil == "unknown":
        key = "inv-made-up"
    elif spoil == "expired":
        beta.clock.advance(24 * 3600)
    elif spoil == "revoked":
        assert call("POST", f"/v1/invitations/{made['invitation_id']}/revoke", role="support")[0] == 200
    elif spoil == "used":
        run(beta, "register_signup", given(beta, "first", key))
    elif spoil == "none":
        key = None
    signup = given(beta, "ada", key)
    assert run(beta, "register_signup", signup) == "reject"
    record = beta.signups.get(signup.signup_id)
    assert record.verdict is not None and record.verdict["reason"].endswith(reason)
    assert not [row for row in beta.rows("accounts") if row["signup_id"] == signup.signup_id]


def test_of_two_sign_ups_with_one_key_at_once_one_wins(beta: World) -> None:
    (made,) = make()
    ada, bob = given(beta, "ada", made["key"]), given(beta, "bob", made["key"])
    beta.store.meanwhile("transact", lambda: run(beta, "register_signup", bob) and None)
    with pytest.raises(RetryableError):
        run(beta, "register_signup", ada)
    assert run(beta, "register_signup", ada, retry_count=1) == "reject"
    assert [row["signup_id"] for row in beta.rows("accounts")] == [bob.signup_id]


def test_registering_again_after_a_lost_answer_keeps_the_key(beta: World) -> None:
    (made,) = make()
    signup = given(beta, "ada", made["key"])
    beta.store.fail("transact", after_effect=True)
    with pytest.raises(RetryableError):
        run(beta, "register_signup", signup)
    assert run(beta, "register_signup", signup, retry_count=1) == "ok"


def test_a_sign_up_that_comes_to_nothing_gives_the_key_back(beta: World) -> None:
    (made,) = make()
    signup = given(beta, "ada", made["key"])
    run_until(beta, "create_subscription", signup)
    beta.signups.change(signup.signup_id, {"verdict": {"status": "rolled_back", "reason": "x", "step": "y"}})
    assert run(beta, "close_signup", signup) == "ok"
    (row,) = beta.rows("invitations")
    assert (row["state"], "signup_id" in row) == ("open", False)
    assert run(beta, "register_signup", given(beta, "bob", made["key"])) == "ok"


def test_without_a_beta_phase_a_bad_key_hinders_nobody_but_the_beta_plan(world: World) -> None:
    signup = world.given_signup("ada", invitation_id=invitation_id("inv-made-up"))
    assert run(world, "register_signup", signup) == "ok"
    assert run(world, "register_signup", given(world, "bob", "inv-made-up")) == "reject"


def test_whoever_is_in_is_not_asked_for_a_key_at_a_later_gate(world: World) -> None:
    signup = world.given_signup("ada", plan="enterprise", account_id="acc_x")
    policy = world.policy.model_copy(update={"beta_phase": True})
    way = gates.way_of(signup, plans=world.plans, policy=policy, passed=("review",))
    assert way.gate == "ok"


def test_a_used_key_cannot_be_revoked_and_an_unknown_one_is_404(world: World) -> None:
    (made,) = make()
    run(world, "register_signup", given(world, "ada", made["key"]))
    path = f"/v1/invitations/{made['invitation_id']}/revoke"
    status, problem = call("POST", path, role="support")
    assert (status, "was used at" in problem["detail"]) == (409, True)
    assert call("POST", "/v1/invitations/inv_nobody/revoke", role="support")[0] == 404


def test_revoking_twice_is_once_and_audited(world: World) -> None:
    (made,) = make()
    path = f"/v1/invitations/{made['invitation_id']}/revoke"
    assert [call("POST", path, role="support")[0] for _ in range(2)] == [200, 200]
    assert [row["action"] for row in world.rows("audit")].count("invitations.revoke") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 51}, "count"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"x": 1}, "x"),
    ],
)
def test_a_bad_wish_names_its_field(world: World, body: dict[str, Any], field: str) -> None:
    status, problem = call("POST", "/v1/invitations", body, role="support")
    assert (status, [each["field"] for each in problem["errors"]]) == (400, [field])


def test_the_environment_goes_before_the_policy_file(world: World) -> None:
    assert policies.onboarding().beta_phase is False
    install_settings(replace(Settings(), beta_phase="true"))
    assert policies.onboarding().beta_phase is True
    install_settings(replace(Settings(), beta_phase=""))
    assert policies.onboarding().beta_phase is False


def test_what_the_environment_says_is_true_or_false_and_nothing_else() -> None:
    assert [beta_phase({"BETA_PHASE_ACTIVE": text}) for text in ("TRUE", "off")] == ["TRUE", "off"]
    assert beta_phase({}) == ""
    with pytest.raises(ValueError, match="BETA_PHASE_ACTIVE is 'maybe'; write true or false"):
        beta_phase({"BETA_PHASE_ACTIVE": "maybe"})


def test_a_plan_that_nobody_is_billed_for_calls_no_payment_vendor(world: World) -> None:
    (made,) = make()
    signup = run_until(world, "send_welcome_mail", given(world, "ada", made["key"]))
    assert world.billing.calls.total() == 0
    assert (signup.status, signup.customer_id, signup.subscription_id) == ("active", None, None)
    (row,) = world.rows("subscriptions")
    assert (row["plan"], row["status"], row["account_id"]) == ("beta", "active", signup.account_id)
    assert world.events(str(signup.account_id))[:4] == [
        "account.created",
        "plan.selected",
        "subscription.created",
        "subscription.activated",
    ]


def test_a_lost_answer_begins_the_beta_plan_once(world: World) -> None:
    (made,) = make()
    signup = given(world, "ada", made["key"])
    run_until(world, "create_billing_customer", signup)
    world.store.fail("transact", after_effect=True)
    with pytest.raises(RetryableError):
        run(world, "create_subscription", signup)
    assert run(world, "create_subscription", signup, retry_count=1) == "ok"
    assert (
        world.events(world.signups.get(signup.signup_id).account_id or "").count("subscription.created") == 1
    )


def test_no_step_s_input_or_record_holds_a_key(beta: World) -> None:
    (made,) = make()
    signup = given(beta, "ada", made["key"])
    run_until(beta, "activate_account", signup)
    everything = json.dumps([beta.rows(name) for name in beta.stored()]) + json.dumps(payload(beta, signup))
    assert made["key"] not in everything
