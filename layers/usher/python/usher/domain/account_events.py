"""Events of accounts and their people."""

from typing import ClassVar

from usher.domain.event import Event


class AccountCreated(Event):
    """An account was opened for a sign-up; it is not active yet."""

    type: ClassVar[str] = "account.created"
    signup_id: str


class PlanSelected(Event):
    """The plan that a new account asked for."""

    type: ClassVar[str] = "plan.selected"
    plan: str


class AccountActivated(Event):
    """The account may be used: what it took from the sign-up to here is in milliseconds."""

    type: ClassVar[str] = "account.activated"
    signup_id: str
    plan: str
    milliseconds_to_active: int


class AccountBillingChanged(Event):
    """What the payment vendor holds of the customer changed; `changed` names our fields, no values."""

    type: ClassVar[str] = "account.billing_changed"
    changed: tuple[str, ...]


class AccountCustomerDeleted(Event):
    """The account's customer is gone at the payment vendor, and with it whatever it was billed for."""

    type: ClassVar[str] = "account.customer_deleted"
    customer_id: str


class PlanEnding(Event):
    """A plan that nobody is billed for ends at a moment, and the customer was made an offer."""

    type: ClassVar[str] = "plan.ending"
    plan: str
    ends_at: str


class UserEvent(Event):
    """What every event about a person of an account says."""

    user_id: str
    role: str


class UserInvited(UserEvent):
    """Somebody was invited to an account."""

    type: ClassVar[str] = "user.invited"


class UserAccepted(UserEvent):
    """Somebody who was invited belongs to the account now."""

    type: ClassVar[str] = "user.accepted"
