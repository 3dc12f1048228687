"""Setting the vendors up: all of it once, nothing twice, and only what changed; against the stand-ins."""

from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from stripe import RequestsClient, StripeClient

from infra import mail_templates, policy_files
from infra.local.prepare import prepare
from infra.local.stand_ins.serve import Running, running
from usher.domain.errors import VendorUnavailable

KEYS = {"STRIPE_API_KEY": "sk_test_1", "HUBSPOT_API_KEY": "pat-1", "POSTMARK_API_KEY": "token"}


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(name)) for name in ("stripe", "hubspot", "postmark")}


@pytest.fixture
def env(vendors: dict[str, Running]) -> dict[str, str]:
    for vendor in vendors.values():
        vendor.stand_in.state.clear()
    vendors["hubspot"].stand_in.schema.forget()
    return KEYS | {f"{name.upper()}_API_BASE": vendor.url for name, vendor in vendors.items()}


@pytest.fixture
def stripe(env: dict[str, str]) -> Iterator[StripeClient]:
    http = RequestsClient()
    yield StripeClient(
        env["STRIPE_API_KEY"], base_addresses={"api": env["STRIPE_API_BASE"]}, http_client=http
    )
    http.close()


@pytest.fixture
def policies() -> dict[str, Any]:
    return deepcopy(policy_files.load_all())


def test_every_billed_plan_gets_a_price_under_its_key(
    env: dict[str, str], stripe: StripeClient, policies: dict[str, Any], tmp_path: Path
) -> None:
    prepare(policies, env, done=tmp_path / "done")
    prices = {price.lookup_key: price for price in stripe.v1.prices.list({"limit": 100}).data}
    billed = {key: plan for key, plan in policies["plans"]["plans"].items() if plan.get("billed", True)}
    assert {key: price.unit_amount for key, price in prices.items()} == {
        key: plan["amount_minor"] for key, plan in billed.items()
    } | {f"{key}.eur": plan["currencies"]["eur"] for key, plan in billed.items() if "currencies" in plan}
    recurring = prices["pro-yearly"].recurring
    assert recurring is not None and recurring.interval == "year"


def test_done_again_it_changes_nothing(env: dict[str, str], policies: dict[str, Any], tmp_path: Path) -> None:
    assert "template welcome" in prepare(policies, env, done=tmp_path / "done")
    assert prepare(policies, env, done=tmp_path / "forgotten") == []


def test_without_a_change_no_vendor_is_asked(
    env: dict[str, str], policies: dict[str, Any], tmp_path: Path
) -> None:
    prepare(policies, env, done=tmp_path / "done")
    nowhere = env | {name: "http://127.0.0.1:9" for name in env if name.endswith("_BASE")}
    assert prepare(policies, nowhere, done=tmp_path / "done") == []


def test_another_amount_is_another_price_that_takes_the_key(
    env: dict[str, str], stripe: StripeClient, policies: dict[str, Any], tmp_path: Path
) -> None:
    prepare(policies, env, done=tmp_path / "done")
    (former,) = stripe.v1.prices.list({"lookup_keys": ["pro-monthly"]}).data
    policies["plans"]["plans"]["pro-monthly"]["amount_minor"] = 5900
    policies["plans"]["products"]["pro"]["name"] = "Professional"
    assert prepare(policies, env, done=tmp_path / "done") == ["product pro", "price pro-monthly"]
    (now,) = stripe.v1.prices.list({"lookup_keys": ["pro-monthly"]}).data
    assert (now.unit_amount, now.id != former.id, now.product) == (5900, True, former.product)
    before = stripe.v1.prices.retrieve(former.id)
    assert (before.lookup_key, before.active) == (None, False)


def test_a_vendor_that_is_away_leaves_it_to_do(
    env: dict[str, str], policies: dict[str, Any], tmp_path: Path
) -> None:
    away = env | {"POSTMARK_API_BASE": "http://127.0.0.1:9"}
    with pytest.raises(VendorUnavailable):
        prepare(policies, away, done=tmp_path / "done")
    left = prepare(policies, env, done=tmp_path / "done")
    assert left == [f"template {template.alias}" for template in mail_templates.read()]
