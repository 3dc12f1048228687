"""The body of a sign-up: everything that is wrong with it is named at once (F4)."""

from typing import Any

import pytest

from infra import policy_files
from usher.domain.plans import PlanCatalog
from usher.domain.problems import Problem
from usher.usecases.signup_request import parse_signup

PLANS = PlanCatalog.model_validate(policy_files.load("plans"))


def body(**data: Any) -> dict[str, Any]:
    fields = {"email": "ada@example.com", "name": "Ada", "plan": "pro-monthly"} | data
    return {"type": "signup.completed", "timestamp": "2026-11-21T09:00:00Z", "data": fields}


def fields_named(value: Any) -> set[str]:
    with pytest.raises(Problem) as caught:
        parse_signup(value, PLANS)
    return {error.field for error in caught.value.errors}


def test_an_unknown_plan_is_named_beside_the_other_bad_fields() -> None:
    assert fields_named(body(email="nobody", plan="gold", phone="12")) == {
        "data.email",
        "data.plan",
        "data.phone",
    }


def test_a_trial_where_there_is_none_is_named_beside_the_other_bad_fields() -> None:
    assert fields_named(body(plan="free", trial=True, name="")) == {"data.trial", "data.name"}


@pytest.mark.parametrize("domain", ["exämple.com", "EXÄMPLE.com", "xn--exmple-cua.com"])
def test_a_domain_outside_ascii_is_taken_as_mail_servers_write_it(domain: str) -> None:
    assert parse_signup(body(email=f"ada@{domain}"), PLANS).data.email == "ada@xn--exmple-cua.com"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-W47-5T09:00:00+00:00",
        "20261121T090000Z",
        "2026-11-21T09:00:00",
        "2026-11-21",
        "2026-13-01T09:00:00Z",
        "２026-11-21T09:00:00Z",
    ],
)
def test_only_rfc_3339_moments_are_taken(moment: str) -> None:
    assert fields_named(body() | {"timestamp": moment}) == {"timestamp"}


@pytest.mark.parametrize(
    "moment", ["2026-11-21T09:00:00Z", "2026-11-21t09:00:00z", "2026-11-21t09:00:00.123456+01:00"]
)
def test_rfc_3339_moments_are_taken_with_any_offset(moment: str) -> None:
    assert parse_signup(body() | {"timestamp": moment}, PLANS).timestamp == moment


@pytest.mark.parametrize("value", [None, 7, [], "text", {"data": None}, {"data": {"plan": 7}}])
def test_values_of_another_shape_are_named_not_tripped_over(value: Any) -> None:
    assert fields_named(value)
