"""CRM: contact, company and subscription of a customer, upserted by keys of ours."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from usher.domain.errors import UsherError


class CrmProfile(BaseModel):
    """What the CRM should know of one account."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    account_id: str
    email: str
    name: str
    phone: str | None
    company_name: str
    company_domain: str | None
    company_size: int | None
    plan: str
    referral_source: str | None
    lifecycle_stage: str
    subscription_id: str | None
    subscription_status: str
    amount_minor: int
    currency: str


class CrmIds(BaseModel):
    """The CRM's ids for the three records."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    contact_id: str
    company_id: str
    subscription_object_id: str


class Crm(Protocol):
    """Raises VendorUnavailable or VendorRejected."""

    def upsert(self, profile: CrmProfile, *, correlation_id: str) -> CrmIds:
        """Create or update the three records by our keys and associate them. Repeating it changes nothing."""

    def upsert_many(self, items: Sequence[tuple[CrmProfile, str]]) -> list[CrmIds | UsherError]:
        """`upsert` for many, in as few calls as the CRM takes them in.

        Per (profile, correlation id), in their order, the ids or the error; raises none of its own.
        """


class CrmWithdrawal(Protocol):
    """Raises VendorUnavailable or VendorRejected."""

    def withdraw(self, profile: CrmProfile, *, correlation_id: str) -> None:
        """Say on whatever the CRM has of this account that nothing came of it; makes nothing new.

        Contact and company have no plan any more, the subscription has the profile's status. A record that
        names another account stays as it is. Repeating it changes nothing.
        """
