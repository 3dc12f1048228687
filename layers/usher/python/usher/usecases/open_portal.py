"""POST /v1/portal-sessions: the payment vendor's pages on which an account sees its invoices and its card."""

from usher.domain.errors import Conflict, NotFound
from usher.ports.portal import Portal
from usher.records.accounts import Accounts
from usher.usecases.fields import Body, Text
from usher.usecases.open_checkout import Address


class PortalBody(Body):
    """Body of POST /v1/portal-sessions."""

    account_id: Text
    return_url: Address


def open_portal(body: PortalBody, *, key: str, accounts: Accounts, portal: Portal) -> str:
    """The address; `key` names this request. Raises NotFound; Conflict for who has nothing to see there."""
    account = accounts.find(body.account_id)
    if account is None:
        raise NotFound(f"no account {body.account_id}")
    if account.customer_id is None:
        raise Conflict(
            "the account was never billed for anything: open a checkout for it (POST /v1/checkouts)"
        )
    return portal.open(customer_id=account.customer_id, return_url=body.return_url, idempotency_key=key)
