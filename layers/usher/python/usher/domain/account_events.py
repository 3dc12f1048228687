"""Events of accounts and their people."""

from typing import ClassVar

from usher.domain.event import Event


class AccountCreated(Event):
    type: ClassVar[str] = "account.created"
    signup_id: str


class PlanSelected(Event):
    type: ClassVar[str] = "plan.selected"
    plan: str


class AccountActivated(Event):
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
    type: ClassVar[str] = "user.invited"


class UserAccepted(UserEvent):
    type: ClassVar[str] = "user.accepted"
