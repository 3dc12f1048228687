"""Entitlements from what is kept of them: one read, forgotten on events; what holds without the store."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.operations.forget_entitlements import handler as forget
from infra.catalog import RULES
from tests.fakes.api import call
from tests.fakes.steps import run_until
from tests.fakes.world import World
from usher.bootstrap import policies
from usher.bootstrap.entitlements import services
from usher.domain import times
from usher.ports.store import Delete, Equals, Page, Put


@pytest.fixture
def account_id(world: World) -> str:
    id = run_until(world, "activate_account", world.given_signup(plan="pro-monthly")).account_id
    assert id is not None
    return id


@pytest.fixture
def decided(world: World) -> Callable[..., None]:
    """Other policies than the files', for this world."""

    def decide(**values: Any) -> None:
        current = policies._installed
        policies.install({**current, "entitlements": {**current["entitlements"], **values}})

    return decide


def ask(account_id: str) -> dict[str, Any]:
    status, answer = call("GET", f"/v1/accounts/{account_id}/entitlements", role="product")
    assert status == 200, answer
    return answer


def becomes(world: World, **values: Any) -> None:
    """The one subscription of this world changes on record, and nobody is told."""
    (row,) = world.rows("subscriptions")
    world.store.inner.write(Put("subscriptions", row | values))


def told(account_id: str) -> None:
    """The event of the change arrives."""
    forget({"detail": {"account_id": account_id, "type": "subscription.canceled"}}, None)


def later(world: World, **span: float) -> None:
    world.clock.advance(timedelta(**span).total_seconds())


def test_after_the_first_time_it_is_one_read_by_key(world: World, account_id: str) -> None:
    ask(account_id)
    later(world, seconds=6)
    world.store.fail("query")  # which would be the records; it stays unused
    world.store.fail("get", skip=1)  # and so does a second read
    assert ask(account_id)["enabled"] is True
    assert len(world.store.faults) == 2


def test_within_seconds_the_store_is_not_asked_at_all(world: World, account_id: str) -> None:
    ask(account_id)
    world.store.is_down = True
    assert ask(account_id)["basis"] == "current"


def test_an_index_that_lags_does_not_bring_back_what_has_ended(
    world: World, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At DynamoDB an event can be faster than the index that lists an account's subscriptions."""
    (stale,) = world.rows("subscriptions")
    becomes(world, status="canceled")
    query = world.store.query

    def lagging(table: str, partition: Equals, *, index: str | None = None, **more: Any) -> Page:
        found = query(table, partition, index=index, **more)
        return Page([stale]) if (table, index) == ("subscriptions", "by_account") else found

    monkeypatch.setattr(world.store, "query", lagging)
    assert ask(account_id)["enabled"] is False


def test_the_newest_of_more_subscriptions_than_a_page_holds_is_the_one(world: World, account_id: str) -> None:
    (row,) = world.rows("subscriptions")
    for number in range(101):
        former = {"subscription_id": f"sub_former{number}", "status": "canceled"}
        world.store.inner.write(Put("subscriptions", {**row, **former, "started_at": f"2020-01-{number:03}"}))
    assert (ask(account_id)["enabled"], ask(account_id)["plan"]) == (True, "pro-monthly")


def test_an_event_has_the_records_read_again(world: World, account_id: str) -> None:
    assert ask(account_id)["enabled"] is True
    becomes(world, status="canceled")
    assert ask(account_id)["enabled"] is True
    told(account_id)
    assert ask(account_id)["enabled"] is False


def test_what_nobody_told_of_is_seen_after_a_while(world: World, account_id: str) -> None:
    ask(account_id)
    becomes(world, status="unpaid")
    later(world, minutes=14)
    assert ask(account_id)["enabled"] is True
    later(world, minutes=2)
    assert ask(account_id)["status"] == "unpaid"


def test_what_was_read_before_a_change_does_not_stay_after_it(world: World, account_id: str) -> None:
    """The change is told between the reading of the records and the writing of what they said."""

    def change() -> None:
        becomes(world, status="canceled")
        told(account_id)

    world.store.meanwhile("write", change, skip=1)  # the first write notes that the row is being filled
    assert ask(account_id)["enabled"] is True
    later(world, seconds=6)
    assert ask(account_id)["enabled"] is False


def test_two_who_ask_for_the_first_time_do_not_disturb_each_other(world: World, account_id: str) -> None:
    world.store.meanwhile("write", lambda: services().standings._begin(account_id) and None)
    assert ask(account_id)["enabled"] is True
    later(world, seconds=6)
    assert ask(account_id)["enabled"] is True


def test_of_an_account_that_nobody_asked_about_nothing_is_kept(world: World, account_id: str) -> None:
    told(account_id)
    assert world.rows("entitlements") == []
    assert call("GET", "/v1/accounts/acc_nobody/entitlements", role="product")[0] == 404
    assert world.rows("entitlements") == []


def test_a_write_that_fails_costs_the_answer_nothing_but_time(world: World, account_id: str) -> None:
    world.store.fail("write", skip=1)
    answer = ask(account_id)
    assert (answer["enabled"], answer["basis"]) == (True, "current")


def test_while_the_store_is_away_what_was_known_last_holds_and_the_answer_says_so(
    world: World, account_id: str
) -> None:
    before = ask(account_id)
    asked_at = times.text(world.clock.now())
    later(world, minutes=30)
    world.store.is_down = True
    assert ask(account_id) == before | {"basis": "last_known", "as_of": asked_at}
    later(world, minutes=31)
    assert ask(account_id)["basis"] == "assumed"


@pytest.mark.parametrize(
    ("values", "enabled", "features"),
    [
        ({}, True, {"api": True, "exports": True, "priority_support": True, "sso": True}),
        ({"unseen": "deny"}, False, {}),
        (
            {"when_unknown": "allow"},
            True,
            {"api": True, "exports": True, "priority_support": True, "sso": True},
        ),
        ({"when_unknown": "deny"}, False, {}),
    ],
)
def test_of_whom_nothing_is_known_policy_decides(
    world: World,
    decided: Callable[..., None],
    values: dict[str, str],
    enabled: bool,
    features: dict[str, bool],
) -> None:
    decided(**values)
    world.store.is_down = True
    answer = ask("acc_ada")
    assert (answer["enabled"], answer["features"], answer["basis"]) == (enabled, features, "assumed")
    assert (answer["status"], answer["page"]) == ("unknown", "app" if enabled else "blocked")


@pytest.mark.parametrize(
    ("days", "then", "access", "api", "sso"),
    [
        (6, "reduced", "full", True, True),
        (7, "reduced", "reduced", True, False),
        (7, "none", "none", None, None),
    ],
)
def test_who_is_past_due_has_everything_for_a_week(
    world: World,
    account_id: str,
    decided: Callable[..., None],
    days: int,
    then: str,
    access: str,
    api: bool | None,
    sso: bool | None,
) -> None:
    decided(past_due={"full_days": 7, "then": then, "keeps": ["api"]})
    becomes(world, status="past_due", past_due_since=times.text(world.clock.now()))
    later(world, days=days)
    answer = ask(account_id)
    assert (answer["access"], answer["status"]) == (access, "past_due")
    assert (answer["features"].get("api"), answer["features"].get("sso")) == (api, sso)
    assert answer["page"] == ("subscription" if access == "none" else "app")


def test_a_limit_is_reached_until_its_period_ends(world: World, account_id: str) -> None:
    ends_at = times.text(world.clock.now() + timedelta(days=3))
    row = {
        "meter": f"{account_id}#api_calls",
        "period": times.text(world.clock.now()),
        "ends_at": ends_at,
        "quantity": 100_000,
        "records": 1,
        "account_id": account_id,
    }
    world.store.inner.write(Put("usage_periods", row))
    assert ask(account_id)["limits"] == {"api_calls": {"most": 100_000, "hard": False, "reached": True}}
    later(world, days=3)
    assert ask(account_id)["limits"]["api_calls"]["reached"] is False


def test_the_rule_hears_of_what_changes_access_and_of_nothing_a_sign_up_does_before_it() -> None:
    (rule,) = (rule for rule in RULES if rule.name == "entitlements-changed")
    assert {"account.activated", "subscription.canceled", "plan.ending", "usage.limit_reached"} <= set(
        rule.detail_types
    )
    assert not {"account.created", "plan.selected", "subscription.created"} & set(rule.detail_types)


def test_no_account_is_remembered_beyond_what_a_process_has_room_for(world: World, account_id: str) -> None:
    remembered = services().remembered
    remembered._most = 2
    ask(account_id)
    found = remembered.find(account_id)
    assert found is not None
    for other in ("acc_1", "acc_2"):
        remembered.learn(other, *found)
    assert remembered.find(account_id) is None


def test_a_row_that_went_by_itself_is_made_anew(world: World, account_id: str) -> None:
    ask(account_id)
    world.store.inner.write(Delete("entitlements", {"account_id": account_id}))
    later(world, seconds=6)
    assert ask(account_id)["enabled"] is True
    assert len(world.rows("entitlements")) == 1
