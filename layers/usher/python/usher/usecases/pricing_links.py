"""POST /v1/pricing-links: the address of the pricing page as one account sees it, its plan marked."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from usher.domain import signed_links, times
from usher.ports.clock import Clock
from usher.ports.secrets import Secrets
from usher.usecases.entitlements import Entitling, entitlements
from usher.usecases.fields import Body, Text

WORKS_FOR = timedelta(days=1)
_KIND = "pricing"


class PricingLinkBody(Body):
    """Body of POST /v1/pricing-links."""

    account_id: Text


@dataclass(frozen=True, slots=True)
class Marked:
    """Whose page it is, and the plan that the account had when the link was made."""

    account_id: str
    plan: str


def pricing_link(body: PricingLinkBody, *, entitling: Entitling, secrets: Secrets) -> dict[str, Any]:
    """`{url, expires_at}`; after that it shows the page as everybody sees it. Raises NotFound.

    The mark is signed, so that no address that is made up tells what plan an account has. Who has the link
    can read that plan.
    """
    found = entitlements(body.account_id, entitling=entitling)
    ends = entitling.clock.wall() + WORKS_FOR
    query = {"client_reference_id": body.account_id}
    if found.plan is not None:
        subject = f"{_KIND}#{body.account_id}#{found.plan}#{int(ends.timestamp())}"
        query["mark"] = signed_links.sign(subject, secrets.get("link_signing"))
    return {"url": f"{entitling.public_url}/pricing?{urlencode(query)}", "expires_at": times.text(ends)}


def marked(mark: str | None, reference: str | None, *, secrets: Secrets, clock: Clock) -> Marked | None:
    """What a link's mark says; None without one, when it is not ours, is over, or is for another account."""
    subject = signed_links.subject_of(mark, secrets.active("link_signing")) if mark else None
    if subject is None:
        return None
    kind, _, rest = subject.partition("#")
    account_id, _, rest = rest.partition("#")
    plan, _, ends = rest.partition("#")
    if kind != _KIND or account_id != reference or not ends.isdigit():
        return None
    return Marked(account_id, plan) if clock.wall().timestamp() < int(ends) else None
