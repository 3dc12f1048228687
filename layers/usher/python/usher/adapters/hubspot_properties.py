"""What the three HubSpot records of an account hold. policies/crm.yaml defines the properties.

`lifecyclestage` is written without being read first: HubSpot only moves it forward and keeps a later one.
"""

from collections.abc import Iterable

from usher.ports.crm import CrmProfile


def email(profile: CrmProfile) -> str:
    """The contact's key, in lower case as HubSpot stores it."""
    return profile.email.lower()


def account_id(profile: CrmProfile) -> str:
    """The company's key."""
    return profile.account_id


def subscription_key(profile: CrmProfile) -> str:
    """The subscription object's key: an account without a subscription has one object under its own id."""
    return profile.subscription_id or profile.account_id


def contact(p: CrmProfile) -> dict[str, str]:
    """Properties of the contact."""
    first, _, last = p.name.partition(" ")
    return _known(
        [
            ("email", email(p)),
            ("firstname", first),
            ("lastname", last or None),
            ("phone", p.phone),
            ("company", p.company_name),
            ("lifecyclestage", p.lifecycle_stage),
            ("usher_account_id", p.account_id),
            ("plan_tier", p.plan),
            ("referral_source", p.referral_source),
        ]
    )


def company(p: CrmProfile) -> dict[str, str]:
    """Properties of the company."""
    return _known(
        [
            ("usher_account_id", p.account_id),
            ("name", p.company_name),
            ("domain", p.company_domain),
            ("lifecyclestage", p.lifecycle_stage),
            ("plan_tier", p.plan),
            ("company_size", p.company_size),
        ]
    )


def subscription(p: CrmProfile) -> dict[str, str]:
    """Properties of the subscription object."""
    return _known(
        [
            ("usher_subscription_id", subscription_key(p)),
            ("usher_account_id", p.account_id),
            ("plan_tier", p.plan),
            ("status", p.subscription_status),
            ("amount_minor", p.amount_minor),
            ("currency", p.currency),
        ]
    )


def _known(values: Iterable[tuple[str, str | int | None]]) -> dict[str, str]:
    """What is not known is not sent: it must not wipe out what sales has found out."""
    return {name: str(value) for name, value in values if value is not None}
