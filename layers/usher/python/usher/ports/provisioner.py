"""Provisioner: the product's own internal API, where an account becomes something one can log in to.

Every method puts or deletes a name Usher chose, so that repeating it changes nothing.
"""

from collections.abc import Mapping
from typing import Protocol


class Provisioner(Protocol):
    """Every method raises VendorUnavailable or VendorRejected."""

    def put_identity(
        self, *, account_id: str, email: str, name: str, sso_subject: str | None, correlation_id: str
    ) -> str:
        """Create the identity user of the account's first person; returns its user id."""

    def put_tenant(self, *, account_id: str, company: str, plan: str, correlation_id: str) -> str:
        """Create the account's tenant (database and workspace); returns its tenant id."""

    def put_subdomain(self, *, tenant_id: str, wanted: str, correlation_id: str) -> str:
        """Give the tenant a subdomain; a taken one gets a suffix. Returns the one given."""

    def put_flags(self, *, tenant_id: str, flags: Mapping[str, bool], correlation_id: str) -> None:
        """Set the tenant's feature flags to exactly these."""

    def put_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> str:
        """Issue the API key of this name; returns its id, never the key (the product shows it once)."""

    def put_credits(self, *, tenant_id: str, grant: str, amount: int, correlation_id: str) -> None:
        """Add credits once per grant name."""

    def delete_identity(self, *, account_id: str, correlation_id: str) -> None:
        """Remove the identity user; one that is not there is no error (nor is it below)."""

    def delete_tenant(self, *, account_id: str, correlation_id: str) -> None:
        """Remove the tenant with all that hangs on it."""

    def delete_subdomain(self, *, tenant_id: str, correlation_id: str) -> None:
        """Free the tenant's subdomain."""

    def delete_flags(self, *, tenant_id: str, correlation_id: str) -> None:
        """Drop the tenant's feature flags."""

    def delete_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> None:
        """Revoke the API key of this name."""

    def delete_credits(self, *, tenant_id: str, grant: str, correlation_id: str) -> None:
        """Take back the credits of this grant."""
