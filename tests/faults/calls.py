"""Every vendor call of an onboarding and of its undoing, and the sign-ups that come to make it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.world import World


@dataclass(frozen=True)
class Fault:
    """A fault that a way to a rollback begins with; a refusal lasts. `skip` as the stand-ins take it."""

    vendor: str
    operation: str
    fault: str = "400"
    skip: int = 0


@dataclass(frozen=True)
class Way:
    """A sign-up that comes to a call: who signs up, what breaks for it, and how it ends undisturbed.

    Attributes:
        refunded: money moved before it was rolled back.
        told: the CRM heard of it before it was rolled back.
    """

    ends: Literal["active", "rolled_back"]
    values: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    onboarding: dict[str, Any] = field(default_factory=dict)
    refunded: bool = False
    told: bool = False

    def order(self, world: World) -> None:
        """Let break what breaks on this way."""
        for each in self.faults:
            count = None if each.fault == "400" else 1
            world.vendors.fault(each.vendor, each.operation, each.fault, skip=each.skip, count=count)

    def heal(self, world: World) -> None:
        """Let nothing break any more."""
        for each in self.faults:
            world.vendors.heal(each.vendor)


@dataclass(frozen=True)
class Call:
    """One call; `nth` counts from 0 where a sign-up makes the same call several times."""

    step: str
    vendor: str
    operation: str
    nth: int = 0
    way: str = "active"


_UPSERT = "POST /crm/v3/objects/{type}/batch/upsert"
_READ = "POST /crm/v3/objects/{type}/batch/read"
_ASSOCIATE = "POST /crm/v4/associations/{from}/{to}/batch/associate/default"
_CREDITS = "PUT /v1/tenants/{id}/credits/{grant}"

WAYS = {
    "active": Way("active"),
    # the last step before activation is refused, when everything else is made and paid
    "refused": Way("rolled_back", faults=(Fault("product", _CREDITS),), refunded=True),
    # the card is refused when it is attached: there is no customer
    "declined": Way("rolled_back", {"payment_method": "pm_card_chargeDeclined"}),
    # the card is refused when it is charged: an invoice is open
    "unpaid": Way("rolled_back", {"payment_method": "pm_card_chargeCustomerFail"}),
    # a try worked and its answer was lost, the next one is refused: the record names nothing
    "lost customer": Way(
        "rolled_back",
        faults=(Fault("stripe", "POST /v1/customers", "fail_after"), Fault("stripe", "POST /v1/customers")),
    ),
    "lost subscription": Way(
        "rolled_back",
        faults=(
            Fault("stripe", "POST /v1/subscriptions", "fail_after"),
            Fault("stripe", "POST /v1/subscriptions"),
        ),
        refunded=True,
    ),
    # policy is strict and the CRM refuses the very last of its calls
    "strict": Way(
        "rolled_back",
        faults=(Fault("hubspot", _ASSOCIATE, skip=2),),
        onboarding={"crm_failure": "strict"},
        refunded=True,
        told=True,
    ),
}

FORWARD = {
    "create_customer": Call("create_billing_customer", "stripe", "POST /v1/customers"),
    "find_price": Call("create_subscription", "stripe", "GET /v1/prices"),
    "create_subscription": Call("create_subscription", "stripe", "POST /v1/subscriptions"),
    "put_identity": Call("create_identity", "product", "PUT /v1/identities/{id}"),
    "put_tenant": Call("provision_tenant", "product", "PUT /v1/tenants/{id}"),
    "put_subdomain": Call("provision_tenant", "product", "PUT /v1/tenants/{id}/subdomain"),
    "put_flags": Call("provision_tenant", "product", "PUT /v1/tenants/{id}/flags"),
    "put_api_key": Call("issue_api_key", "product", "PUT /v1/tenants/{id}/api-keys/{name}"),
    "put_credits": Call("issue_api_key", "product", _CREDITS),
    "upsert_contact": Call("sync_crm", "hubspot", _UPSERT),
    "upsert_company": Call("sync_crm", "hubspot", _UPSERT, 1),
    "upsert_subscription": Call("sync_crm", "hubspot", _UPSERT, 2),
    "associate_1": Call("sync_crm", "hubspot", _ASSOCIATE),
    "associate_2": Call("sync_crm", "hubspot", _ASSOCIATE, 1),
    "associate_3": Call("sync_crm", "hubspot", _ASSOCIATE, 2),
    "send_mail": Call("send_welcome_mail", "postmark", "POST /email/batchWithTemplates"),
}

_PAYMENTS = "GET /v1/payment_intents"
_SUBSCRIPTION = "/v1/subscriptions/{id}"
UNDO = {
    "revoke_credits": Call(
        "revoke_api_key", "product", "DELETE /v1/tenants/{id}/credits/{grant}", way="refused"
    ),
    "revoke_key": Call("revoke_api_key", "product", "DELETE /v1/tenants/{id}/api-keys/{name}", way="refused"),
    "delete_flags": Call("remove_tenant", "product", "DELETE /v1/tenants/{id}/flags", way="refused"),
    "delete_subdomain": Call("remove_tenant", "product", "DELETE /v1/tenants/{id}/subdomain", way="refused"),
    "delete_tenant": Call("remove_tenant", "product", "DELETE /v1/tenants/{id}", way="refused"),
    "delete_identity": Call("remove_identity", "product", "DELETE /v1/identities/{id}", way="refused"),
    "find_customer": Call("refund_payment", "stripe", "GET /v1/customers", way="lost customer"),
    "find_no_customer": Call("refund_payment", "stripe", "GET /v1/customers", way="declined"),
    "find_subscription": Call("refund_payment", "stripe", "GET /v1/subscriptions", way="lost subscription"),
    "list_open_invoices": Call("refund_payment", "stripe", "GET /v1/invoices", way="refused"),
    "void_invoice": Call("refund_payment", "stripe", "POST /v1/invoices/{id}/void", way="unpaid"),
    "list_payments": Call("refund_payment", "stripe", _PAYMENTS, way="refused"),
    "refund": Call("refund_payment", "stripe", "POST /v1/refunds", way="refused"),
    "read_subscription": Call("cancel_subscription", "stripe", f"GET {_SUBSCRIPTION}", way="refused"),
    "cancel_subscription": Call("cancel_subscription", "stripe", f"DELETE {_SUBSCRIPTION}", way="refused"),
    "read_cancelled": Call("cancel_subscription", "stripe", f"GET {_SUBSCRIPTION}", 1, way="refused"),
    "list_payments_again": Call("close_customer", "stripe", _PAYMENTS, 1, way="refused"),
    "mark_customer": Call("close_customer", "stripe", "POST /v1/customers/{id}", way="refused"),
    "delete_customer": Call("close_customer", "stripe", "DELETE /v1/customers/{id}", way="unpaid"),
    "read_contact": Call("withdraw_from_crm", "hubspot", _READ, way="strict"),
    "withdraw_contact": Call("withdraw_from_crm", "hubspot", _UPSERT, 3, way="strict"),
    "read_company": Call("withdraw_from_crm", "hubspot", _READ, 1, way="strict"),
    "withdraw_company": Call("withdraw_from_crm", "hubspot", _UPSERT, 4, way="strict"),
    "read_deal": Call("withdraw_from_crm", "hubspot", _READ, 2, way="strict"),
    "withdraw_deal": Call("withdraw_from_crm", "hubspot", _UPSERT, 5, way="strict"),
}
CALLS = FORWARD | UNDO

STEPS = {
    "active": (
        "intake/dispatch_signup",
        "onboarding/register_signup",
        "billing/create_billing_customer",
        "billing/create_subscription",
        "provisioning/create_identity",
        "provisioning/provision_tenant",
        "provisioning/issue_api_key",
        "onboarding/activate_account",
        "crm/sync_crm",
        "mail/send_welcome_mail",
        "reporting/publish_events",
    ),
    "strict": (
        "onboarding/mark_degraded",
        "onboarding/begin_rollback",
        "provisioning/revoke_api_key",
        "provisioning/remove_tenant",
        "provisioning/remove_identity",
        "billing/refund_payment",
        "billing/cancel_subscription",
        "billing/close_customer",
        "crm/withdraw_from_crm",
        "onboarding/close_signup",
        "operations/tell_operators",
        "operations/post_to_slack",
    ),
}
"""The functions of each way, in order; billing and provisioning are side by side."""
