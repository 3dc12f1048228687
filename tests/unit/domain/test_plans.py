"""Plans, and what a sign-up may come to."""

import pytest
from pydantic import ValidationError

from infra import policy_files
from usher.domain.onboarding import FINAL, REOPENABLE, STEPS
from usher.domain.plans import Plan, PlanCatalog

CATALOG = PlanCatalog.model_validate(policy_files.load("plans"))
NAMES = ["beta", "enterprise", "free", "pro-monthly", "pro-yearly", "starter-monthly", "starter-yearly"]


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


def test_only_what_was_undone_or_refused_may_sign_up_anew() -> None:
    assert {"rolled_back", "rejected", "expired"} == REOPENABLE
    assert FINAL >= REOPENABLE
    assert not FINAL & {"received", "provisioning", "waiting_payment", "waiting_review"}


def test_steps_are_named_once() -> None:
    assert len(set(STEPS)) == len(STEPS)
