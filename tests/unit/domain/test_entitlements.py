"""Entitlements: the four cases of an account with and without subscriptions, and those between."""

import pytest

from usher.domain.entitlements import Entitlement, Held, entitlement

NOW = "2026-06-01T00:00:00.000Z"


def held(plan: str, status: str, started_at: str = "2026-01-01", ends_at: str | None = None) -> Held:
    return Held(
        subscription_id=f"sub_{plan}", plan=plan, status=status, started_at=started_at, ends_at=ends_at
    )


def of(*subscriptions: Held, account: str = "active", beta: bool = False) -> Entitlement:
    return entitlement(account, subscriptions, beta_phase=beta, now=NOW)


def test_who_never_had_a_subscription_chooses_a_plan_and_in_the_beta_phase_is_blocked() -> None:
    assert of() == Entitlement(enabled=False, status="none", page="pricing")
    assert of(beta=True) == Entitlement(enabled=False, status="none", page="blocked")


@pytest.mark.parametrize("beta", [True, False])
def test_a_beta_customer_is_in_during_the_beta_phase_and_after_it(beta: bool) -> None:
    found = of(held("beta", "active"), beta=beta)
    assert found == Entitlement(enabled=True, status="active", page="app", plan="beta")


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_who_has_a_subscription_that_runs_is_in(status: str) -> None:
    assert of(held("pro", status)) == Entitlement(enabled=True, status=status, page="app", plan="pro")


def test_of_one_that_ended_and_one_that_runs_the_running_one_counts() -> None:
    before, after = held("beta", "canceled", "2026-01-01"), held("pro", "active", "2026-02-01")
    for order in ((before, after), (after, before)):
        assert of(*order) == Entitlement(enabled=True, status="active", page="app", plan="pro")


@pytest.mark.parametrize(
    ("status", "said"), [("canceled", "ended"), ("unpaid", "unpaid"), ("paused", "paused")]
)
@pytest.mark.parametrize("beta", [True, False])
def test_who_had_one_sees_its_subscription_page_alone(status: str, said: str, beta: bool) -> None:
    found = of(held("pro", status), beta=beta)
    assert found == Entitlement(enabled=False, status=said, page="subscription", plan="pro")


def test_a_plan_of_ours_has_ended_at_its_moment_whether_or_not_a_schedule_has_noted_it() -> None:
    assert of(held("beta", "active", ends_at="2026-06-01T00:00:00.001Z")).enabled is True
    assert of(held("beta", "active", ends_at=NOW)) == Entitlement(
        enabled=False, status="ended", page="subscription", plan="beta"
    )


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
def test_a_subscription_that_never_began_is_none(status: str) -> None:
    assert of(held("pro", status)).page == "pricing"


def test_an_account_that_is_being_set_up_is_not_let_in_before_it_is_ready() -> None:
    assert of(held("pro", "active"), account="pending") == Entitlement(
        enabled=False, status="pending", page="blocked", plan="pro"
    )


def test_a_suspended_account_sees_its_subscription_page_though_its_subscription_runs() -> None:
    found = of(held("pro", "past_due"), account="suspended")
    assert (found.enabled, found.status, found.page) == (False, "suspended", "subscription")


def test_a_closed_account_has_nothing_whatever_it_had() -> None:
    assert of(held("pro", "active"), account="closed") == Entitlement(
        enabled=False, status="closed", page="pricing"
    )
