"""Gates: who waits for what, in which order, and for how long (B8)."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra import policy_files
from usher.domain.gates import Applicant, GatePolicy, Way
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.domain.waiting_policy import Deadline

CATALOG = PlanCatalog.model_validate(policy_files.load("plans"))
SHIPPED = OnboardingPolicy.model_validate(policy_files.load("onboarding"))


def applicant(plan: str = "starter-monthly", **given: Any) -> Applicant:
    facts = {"has_payment_method": True, "email_domain": "example.com"} | given
    return Applicant(plan_key=plan, plan=CATALOG.plans[plan], **facts)


def way(
    plan: str = "starter-monthly", *, policy: GatePolicy = SHIPPED, passed: Any = (), **given: Any
) -> Way:
    return policy.way(applicant(plan, **given), passed)


def waits(part: str, **who: Any) -> GatePolicy:
    return GatePolicy.model_validate({part: {"who": who}})


def test_a_card_sign_up_goes_on_without_a_trial() -> None:
    assert way() == Way(gate="ok")


@pytest.mark.parametrize("payment", ["card", "bank"])
@pytest.mark.parametrize("has_payment_method", [True, False])
def test_a_trial_that_is_asked_for_is_given(has_payment_method: bool, payment: str) -> None:
    found = way("pro-yearly", trial=True, has_payment_method=has_payment_method, payment=payment)
    assert found == Way(gate="ok", trial_days=14)


@pytest.mark.parametrize("payment", ["card", "bank"])
@pytest.mark.parametrize("trial", [False, None])
def test_a_paid_plan_without_payment_method_and_trial_waits_for_payment(
    payment: str, trial: bool | None
) -> None:
    found = way(has_payment_method=False, trial=trial, payment=payment)
    assert found.gate == "pay"
    assert "no payment method" in found.reasons[0]


def test_a_first_payment_that_came_is_not_asked_for_again() -> None:
    assert way(has_payment_method=False, trial=False, passed=("payment",)).gate == "ok"


def test_an_invoice_is_paid_on_terms_and_holds_nobody_up() -> None:
    assert way(has_payment_method=False, payment="invoice") == Way(gate="ok")


def test_a_free_plan_needs_no_payment_method() -> None:
    assert way("free", has_payment_method=False).gate == "ok"


@pytest.mark.parametrize("plan", sorted(CATALOG.plans))
def test_by_the_shipped_policy_nobody_waits_but_enterprise(plan: str) -> None:
    expected = {"enterprise": "review", "beta": "reject"}
    assert way(plan).gate == expected.get(plan, "ok")


def test_a_plan_by_invitation_is_given_to_who_was_invited() -> None:
    assert way("beta", invited=True).gate == "ok"


def test_in_the_beta_phase_only_who_was_invited_gets_in() -> None:
    beta = SHIPPED.model_copy(update={"beta_phase": True})
    assert way(policy=beta).gate == "reject"
    assert "invitation" in way(policy=beta).reasons[0]
    assert way(policy=beta, invited=True).gate == "ok"


@pytest.mark.parametrize(
    ("who", "facts", "reason"),
    [
        ({"plans": ["starter-monthly"]}, {}, "plan starter-monthly"),
        ({"domains": ["example.com"]}, {}, "domain example.com"),
        ({"countries": ["KP"]}, {"country": "KP"}, "country KP"),
        ({"company_size_at_least": 500}, {"company_size": 500}, "a company of 500"),
        ({"amount_minor_at_least": 1900}, {}, "an amount of 1900"),
        ({"free_mail": True}, {"email_domain": "gmail.com"}, "a free-mail address"),
    ],
)
@pytest.mark.parametrize(("part", "gate"), [("confirmation", "confirm"), ("review", "review")])
def test_each_thing_policy_may_name_makes_a_sign_up_wait_and_says_why(
    part: str, gate: str, who: dict[str, Any], facts: dict[str, Any], reason: str
) -> None:
    assert way(policy=waits(part, **who), **facts) == Way(gate=gate, reasons=(reason,))
    assert way(policy=waits(part, **who), passed=(part,), **facts).gate == "ok"


@pytest.mark.parametrize(
    ("who", "facts"),
    [
        ({"company_size_at_least": 500}, {"company_size": 499}),
        ({"company_size_at_least": 500}, {}),
        ({"amount_minor_at_least": 1901}, {}),
        ({"free_mail": True}, {}),
        ({"countries": ["KP"]}, {"country": None}),
    ],
)
def test_who_is_not_named_does_not_wait(who: dict[str, Any], facts: dict[str, Any]) -> None:
    assert way(policy=waits("review", **who), **facts).gate == "ok"


def test_the_address_is_confirmed_before_a_person_looks_and_both_before_anything_is_paid() -> None:
    everyone = {"plans": ["starter-monthly"]}
    policy = GatePolicy.model_validate({"confirmation": {"who": everyone}, "review": {"who": everyone}})
    unpaid = {"has_payment_method": False, "trial": False, "policy": policy}
    passed: tuple[str, ...] = ()
    gates = []
    for kind in ("confirmation", "review", "payment", ""):
        gates.append(way(passed=passed, **unpaid).gate)
        passed = (*passed, kind)
    assert gates == ["confirm", "review", "pay", "ok"]


@pytest.mark.parametrize(("remind", "ends"), [(24, 72), (1, 2), (100, 72), (72, 72)])
def test_a_reminder_always_leaves_an_hour_to_answer(remind: int, ends: int) -> None:
    limit = Deadline(remind_after_hours=remind, ends_after_hours=ends)
    assert limit.remind_seconds + limit.rest_seconds == ends * 3600
    assert limit.rest_seconds >= 3600


@pytest.mark.parametrize(
    "bad",
    [{"payment": {"ends_after_hours": 24}}, {"review": {"default": "maybe"}}, {"confirmation": {"x": 1}}],
)
def test_a_policy_that_cannot_hold_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatePolicy.model_validate(bad)
