"""Plans, and which way a sign-up goes on each of them."""

import pytest
from pydantic import ValidationError

from infra import policy_files
from usher.domain.onboarding import FINAL, REOPENABLE, STEPS, Path, choose_path
from usher.domain.plans import Plan, PlanCatalog

CATALOG = PlanCatalog.model_validate(policy_files.load("plans"))
NAMES = ["beta", "enterprise", "free", "pro-monthly", "pro-yearly", "starter-monthly", "starter-yearly"]


def path(plan: str, **given: object) -> Path:
    asked = {"payment": "card", "has_payment_method": True, "trial": None} | given
    return choose_path(plan, CATALOG.plans[plan], **asked)


def test_the_default_catalog_has_the_agreed_plans() -> None:
    assert sorted(CATALOG.plans) == NAMES


def test_a_plan_is_paid_when_it_is_billed_and_has_a_price() -> None:
    assert [name for name in NAMES if not CATALOG.plans[name].is_paid] == ["beta", "free"]


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": -1}, {"amount_minor": 19.5}, {"trial_days": 731}, {"interval": "day"}, {"x": 1}],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"name": "Odd", "amount_minor": 1900} | change)


@pytest.mark.parametrize("change", [{"plans": {}}, {"currency": "USD"}, {"currency": "us dollars"}])
def test_a_catalog_needs_plans_and_one_currency(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PlanCatalog.model_validate({"currency": "usd", "plans": CATALOG.plans} | change)


def test_a_card_sign_up_goes_on_without_a_trial() -> None:
    assert path("starter-monthly") == Path(go=True, trial_days=0)


@pytest.mark.parametrize("has_payment_method", [True, False])
def test_a_trial_that_is_asked_for_is_given(has_payment_method: bool) -> None:
    assert path("pro-yearly", trial=True, has_payment_method=has_payment_method).trial_days == 14


def test_without_a_payment_method_a_plan_s_trial_is_taken() -> None:
    assert path("starter-monthly", has_payment_method=False) == Path(go=True, trial_days=14)


def test_a_paid_plan_without_payment_method_and_trial_waits_for_payment() -> None:
    refused = path("starter-monthly", has_payment_method=False, trial=False)
    assert not refused.go
    assert "no payment method" in str(refused.reason)


def test_a_free_plan_needs_no_payment_method() -> None:
    assert path("free", has_payment_method=False).go


@pytest.mark.parametrize("plan, admission", [("enterprise", "review"), ("beta", "invitation")])
def test_a_plan_that_is_not_open_is_not_given_by_sign_up_alone(plan: str, admission: str) -> None:
    assert admission in str(path(plan).reason)
    assert not path(plan).go


@pytest.mark.parametrize("payment", ["bank", "invoice"])
def test_payment_other_than_by_card_needs_an_agreement(payment: str) -> None:
    refused = path("starter-monthly", payment=payment)
    assert (refused.go, payment in str(refused.reason)) == (False, True)


def test_only_what_was_undone_or_refused_may_sign_up_anew() -> None:
    assert {"rolled_back", "rejected", "expired"} == REOPENABLE
    assert FINAL >= REOPENABLE
    assert not FINAL & {"received", "provisioning", "waiting_payment", "waiting_review"}


def test_steps_are_named_once() -> None:
    assert len(set(STEPS)) == len(STEPS)
