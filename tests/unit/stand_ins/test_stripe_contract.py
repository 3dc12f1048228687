"""The contract read out of the Stripe SDK: what it takes, what it refuses, what our answers must hold."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.stand_ins.contract.checks import ContractBreach
from infra.local.stand_ins.contract.stripe_contract import StripeContract, decode_form

ENDIVE = "amount=1&currency=usd&payment_method_types[0]=card"  # allowed until this version


@pytest.fixture(scope="module")
def contract() -> StripeContract:
    return StripeContract()


def test_the_sdk_still_has_the_operations_it_had(contract: StripeContract) -> None:
    """Far fewer would mean that the SDK's source has changed its form and the contract checks little."""
    assert len(contract.operations) >= 600
    without = [
        name for name, known in contract.operations.items() if not known["params"] or not known["answer"]
    ]
    assert len(without) <= 10
    assert contract.api_version == "2026-10-28.endive"


def test_parameters_get_their_types(contract: StripeContract) -> None:
    encoded = (
        "customer=cus_1&items[0][price]=p&items[0][quantity]=2&off_session=true&metadata[a]=1&trial_end=now"
    )
    assert contract.parameters("POST /v1/subscriptions", encoded) == {
        "customer": "cus_1",
        "items": [{"price": "p", "quantity": 2}],
        "off_session": True,
        "metadata": {"a": "1"},
        "trial_end": "now",
    }


@pytest.mark.parametrize(
    ("operation", "encoded", "message", "param"),
    [
        ("POST /v1/customers", "emial=x", "unknown parameter: emial", "emial"),
        ("POST /v1/customers", "address[town]=x", "unknown parameter", "address[town]"),
        ("POST /v1/subscriptions", "items[0][quantity]=two", "Invalid integer: two", "items[0][quantity]"),
        ("POST /v1/subscriptions", "off_session=yes", "Invalid boolean: yes", "off_session"),
        ("POST /v1/subscriptions", "payment_behavior=hope", "must be one of allow", "payment_behavior"),
        ("POST /v1/payment_intents", "currency=usd", "Missing required param: amount", "amount"),
        ("POST /v1/payment_intents", ENDIVE, "unknown", "payment_method_types"),
        ("POST /v1/customers", "metadata=text", "Invalid object", "metadata"),
        ("GET /v1/customers", "limit=1.5", "Invalid integer", "limit"),
    ],
)  # fmt: skip
def test_a_breach_names_the_parameter(
    contract: StripeContract, operation: str, encoded: str, message: str, param: str
) -> None:
    with pytest.raises(ContractBreach, match=message) as caught:
        contract.parameters(operation, encoded)
    assert caught.value.param == param


def test_an_operation_the_sdk_lacks_is_no_operation(contract: StripeContract) -> None:
    with pytest.raises(LookupError, match="no operation GET /v1/invoices/upcoming"):
        contract.parameters("GET /v1/invoices/upcoming", "")


INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1,
    "amount_capturable": 0,
    "amount_received": 0,
    "capture_method": "automatic",
    "confirmation_method": "automatic",
    "created": 1,
    "currency": "usd",
    "livemode": False,
    "metadata": {},
    "payment_method_types": ["card"],
    "status": "succeeded",
}
CLOCK = {
    "id": "clock_1",
    "object": "test_helpers.test_clock",
    "created": 1,
    "deletes_after": 2,
    "frozen_time": 1,
    "livemode": False,
    "status": "ready",
    "status_details": {},
}
GOOD = (("POST /v1/payment_intents", INTENT), ("POST /v1/test_helpers/test_clocks", CLOCK))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 7}, "answer.id: 7 is no str"),
        ({"payment_intent": "pi_1"}, "answer.payment_intent is unknown to the SDK"),
        ({"currency": None}, "answer.currency"),
        ({"status": "half"}, "answer.status: 'half' is none of"),
        ({"status_details": {"advancing": "later"}}, "is no object"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_caught(
    contract: StripeContract, change: dict[str, Any], message: str
) -> None:
    operation, good = GOOD["status_details" in change]
    contract.check_answer(operation, good)
    with pytest.raises(ContractBreach, match=message):
        contract.check_answer(operation, good | change)
    with pytest.raises(ContractBreach, match="lacks"):
        contract.check_answer(operation, {name: value for name, value in good.items() if name != "created"})


def test_what_was_read_is_kept_for_the_next_start(tmp_path: Path) -> None:
    first = StripeContract(tmp_path)
    first.parameters("POST /v1/customers", "email=a")
    first.save()
    (kept,) = tmp_path.iterdir()
    second = StripeContract(tmp_path)
    assert second.operations == first.operations
    kept.write_text(kept.read_text().replace('"email"', '"e_mail"'))
    with pytest.raises(ContractBreach):
        StripeContract(tmp_path).parameters("POST /v1/customers", "email=a")  # it is the file that was read


def test_form_parameters_nest() -> None:
    assert decode_form("a[b][c]=1&d[]=x&d[]=y&e=%26+%3D&f=") == {
        "a": {"b": {"c": "1"}},
        "d": {"0": "x", "1": "y"},
        "e": "& =",
        "f": "",
    }


@pytest.mark.parametrize("encoded", ["a=1&a[b]=2", "a" + "[b]" * 50 + "=1"])
def test_a_name_cannot_be_two_things_or_nest_without_end(encoded: str) -> None:
    with pytest.raises(ContractBreach):
        decode_form(encoded)
