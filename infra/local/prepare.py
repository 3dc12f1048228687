"""Sets the vendors up as the policies say: Stripe's plan catalog, Postmark's templates, HubSpot's schema.

Nothing is done when nothing changed since the last start; done again, it changes nothing.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import stripe
from stripe import StripeClient

from infra import mail_templates
from usher.adapters.hubspot_schema import CrmSchema, ensure_schema
from usher.adapters.postmark_mail import PostmarkTemplates
from usher.adapters.stripe_errors import calling
from usher.domain.plans import Plan, PlanCatalog

_LOOKUP_KEYS = 10  # how many Stripe takes per list call


def prepare(
    policies: Mapping[str, Any],
    env: Mapping[str, str],
    *,
    done: Path,
    templates: Path = mail_templates.FOLDER,
) -> list[str]:
    """Bring every vendor to what policies and templates say; returns what had to change, in words.

    Args:
        policies: as `infra.policy_files.load_all` returns them.
        env: the `_API_BASE` and `_API_KEY` of the vendors.
        done: remembers what was set up last.

    Raises:
        PolicyFileError: a template's file is not usable.
        VendorUnavailable, VendorRejected, Conflict: a vendor did not take it.
    """
    mails = mail_templates.read(templates)
    wanted = json.dumps([policies["plans"], policies["crm"], *map(asdict, mails)], sort_keys=True)
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if done.exists() and done.read_text() == digest:
        return []
    with ThreadPoolExecutor(3) as pool:
        parts = [
            pool.submit(_stripe, PlanCatalog.model_validate(policies["plans"]), env),
            pool.submit(_postmark, mails, env),
            pool.submit(_hubspot, CrmSchema.model_validate(policies["crm"]), env),
        ]
    changed = [change for part in parts for change in part.result()]
    done.write_text(digest)
    return changed


def _postmark(mails: list[mail_templates.MailTemplate], env: Mapping[str, str]) -> list[str]:
    server = PostmarkTemplates(api_base=env["POSTMARK_API_BASE"], api_key=env["POSTMARK_API_KEY"])
    try:
        return [f"template {alias}" for alias in mail_templates.push(server, mails)]
    finally:
        server.close()


def _hubspot(schema: CrmSchema, env: Mapping[str, str]) -> list[str]:
    created = ensure_schema(schema, api_base=env["HUBSPOT_API_BASE"], api_key=env["HUBSPOT_API_KEY"])
    return [f"HubSpot {name}" for name in created]


def _stripe(catalog: PlanCatalog, env: Mapping[str, str]) -> list[str]:
    http = stripe.RequestsClient(timeout=10)
    client = StripeClient(
        env["STRIPE_API_KEY"], base_addresses={"api": env["STRIPE_API_BASE"]}, http_client=http
    )
    try:
        with calling("apply the plan catalog"):
            return list(apply_plans(catalog, client))
    finally:
        http.close()  # type: ignore[no-untyped-call]


def apply_plans(catalog: PlanCatalog, client: StripeClient) -> Iterator[str]:
    """Give every billed plan a product and an active price under its key; yields what had to change.

    A price cannot be changed at Stripe, so another amount is another price, which takes the key over;
    subscriptions stay on the price they began with.
    """
    billed = {key: plan for key, plan in catalog.plans.items() if plan.billed}
    keys = list(billed)
    prices: dict[str, Any] = {}
    for start in range(0, len(keys), _LOOKUP_KEYS):
        part = keys[start : start + _LOOKUP_KEYS]
        found = client.v1.prices.list({"lookup_keys": part, "active": True, "limit": 100})
        prices |= {price.lookup_key: price for price in found.data if price.lookup_key}
    ids = [_product(key) for key in keys]
    products = {product.id: product for product in client.v1.products.list({"ids": ids, "limit": 100}).data}
    for key, plan in billed.items():
        product = products.get(_product(key))
        if product is None:
            client.v1.products.create({"id": _product(key), "name": plan.name, "metadata": {"plan": key}})
            yield f"product {key}"
        elif product.name != plan.name:
            client.v1.products.update(product.id, {"name": plan.name})
            yield f"name of product {key}"
        if not _costs(prices.get(key), plan, catalog.currency):
            client.v1.prices.create(
                {
                    "product": _product(key),
                    "lookup_key": key,
                    "transfer_lookup_key": True,
                    "currency": catalog.currency,
                    "unit_amount": plan.amount_minor,
                    "recurring": {"interval": plan.interval},
                    "metadata": {"plan": key},
                }
            )
            yield f"price {key}"


def _product(plan: str) -> str:
    return f"usher_{plan}"


def _costs(price: Any, plan: Plan, currency: str) -> bool:
    return (
        price is not None
        and (price.unit_amount, price.currency, price.recurring.interval, price.product)
        == (plan.amount_minor, currency, plan.interval, _product(price.lookup_key))
    )  # fmt: skip
