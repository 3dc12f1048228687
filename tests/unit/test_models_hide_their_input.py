"""No error of a model quotes what it was given: such errors end up in causes, logs and tracebacks."""

import importlib
import json
import pkgutil

import pytest
from pydantic import BaseModel, ValidationError

import usher
from tests.fakes.world import World, world
from usher.adapters.stripe_snapshots import customer_of, facts_of
from usher.records.accounts import Account
from usher.records.signups import Signup, parse
from usher.usecases.step import StepCommand

__all__ = ["world"]

CANARY = "canary@example.com"

for module in pkgutil.walk_packages(usher.__path__, "usher."):
    importlib.import_module(module.name)


def descendants(kind: type[BaseModel]) -> list[type[BaseModel]]:
    return [found for child in kind.__subclasses__() for found in (child, *descendants(child))]


MODELS = {kind for kind in descendants(BaseModel) if kind.__module__.startswith("usher.")}


def test_every_model_hides_its_input() -> None:
    assert len(MODELS) > 20
    assert {
        kind.__qualname__ for kind in MODELS if not kind.model_config.get("hide_input_in_errors")
    } == set()


@pytest.mark.parametrize("kind", [Signup, Account, StepCommand], ids=lambda kind: kind.__name__)
def test_a_record_or_command_that_cannot_be_read_is_not_quoted(kind: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(dict.fromkeys(kind.model_fields, [CANARY]))
    assert CANARY not in str(raised.value)
    assert CANARY not in repr(raised.value)


def test_a_stored_sign_up_that_cannot_be_read_is_not_quoted(world: World) -> None:
    world.given_signup("canary")
    (item,) = world.rows("signups")
    assert CANARY in json.dumps(item)
    with pytest.raises(ValidationError) as raised:
        parse({**item, "email": [item["email"]]})
    assert CANARY not in str(raised.value)


def test_an_answer_of_stripe_that_has_another_shape_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as raised:
        customer_of({"id": "cus_1", "email": [CANARY], "metadata": {}})
    assert CANARY not in str(raised.value)
    price = {"id": "price_1", "lookup_key": [CANARY]}
    item = {"id": "si_1", "price": price, "current_period_start": 1, "current_period_end": 2}
    subscription = {"id": "sub_1", "customer": "cus_1", "status": CANARY, "start_date": 1}
    with pytest.raises(ValidationError) as raised:
        facts_of(subscription | {"items": {"data": [item]}})
    assert CANARY not in str(raised.value)
