"""Sets the vendors up as the policies say: Stripe's plan catalog, Postmark's templates, HubSpot's schema.

Nothing is done when nothing changed since the last start; done again, it changes nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from infra import mail_templates, plan_catalog
from usher.adapters.hubspot_schema import CrmSchema, ensure_schema
from usher.adapters.postmark_mail import PostmarkTemplates
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.system_clock import SystemClock
from usher.domain.plans import PlanCatalog


def prepare(
    policies: Mapping[str, Any],
    env: Mapping[str, str],
    *,
    done: Path,
    today: date | None = None,
    templates: Path = mail_templates.FOLDER,
) -> list[str]:
    """Bring every vendor to what policies and templates say; returns what had to change, in words.

    Args:
        policies: as `infra.policy_files.load_all` returns them.
        env: the `_API_BASE` and `_API_KEY` of the vendors.
        done: remembers what was set up last.
        today: UTC; promotions whose last day is over are not set up; None asks the clock.

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
            pool.submit(
                _stripe,
                PlanCatalog.model_validate(policies["plans"]),
                env,
                today or SystemClock().now().date(),
            ),
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


def _stripe(catalog: PlanCatalog, env: Mapping[str, str], today: date) -> list[str]:
    account = StripeCalls(api_base=env["STRIPE_API_BASE"], api_key=env["STRIPE_API_KEY"])
    try:
        planned = plan_catalog.plan(plan_catalog.of_file(catalog, today), account)
        return [f"{each.kind} {each.key}" for each in plan_catalog.apply(planned, account)]
    finally:
        account.close()
