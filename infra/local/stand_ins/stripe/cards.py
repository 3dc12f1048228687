"""Stripe's published test payment methods and how each behaves (docs.stripe.com/testing)."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank says no."""

    code: str
    decline_code: str
    message: str
    advice_code: str = "try_again_later"


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.", "do_not_try_again")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.", "do_not_try_again")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "do_not_try_again")
INCORRECT_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data"
)
PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
FRAUD = Decline("card_declined", "fraudulent", "Your card was declined.", "do_not_try_again")
UNAUTHENTICATED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
RETURNED = Decline("debit_not_authorized", "returned", "The bank has returned this debit.")

Authentication = Literal["never", "always", "unless_set_up"]


@dataclass(frozen=True, slots=True)
class PaymentTestMethod:
    """A test payment method.

    Attributes:
        on_attach, on_charge: the decline at that moment, if any.
        authentication: when the customer has to confirm a payment or a set-up with the bank.
        disputed: for what reason a payment by it is disputed, if any; `inquiry`: the bank only asks.
        refund: whether a refund to it is done at once, is `pending` first, or comes back.
    """

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    on_attach: Decline | None = None
    on_charge: Decline | None = None
    authentication: Authentication = "never"
    disputed: str | None = None
    inquiry: bool = False
    refund: Literal["at_once", "pending", "fails"] = "at_once"
    type: Literal["card", "us_bank_account", "sepa_debit"] = "card"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for every payment method made from this number."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _declining(number: str, decline: Decline) -> PaymentTestMethod:
    return PaymentTestMethod(number, on_attach=decline, on_charge=decline)


def _returned(number: str, code: str, message: str) -> PaymentTestMethod:
    """A bank account whose debits come back after they were under way."""
    return PaymentTestMethod(number, type="us_bank_account", on_charge=Decline(code, code, message))


_AUTHENTICATE: dict[str, PaymentTestMethod] = {
    "pm_card_authenticationRequired": PaymentTestMethod("4000002760003184", authentication="always"),
    "pm_card_authenticationRequiredOnSetup": PaymentTestMethod(
        "4000002500003155", authentication="unless_set_up"
    ),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": PaymentTestMethod(
        "4000008260003178", on_charge=INSUFFICIENT, authentication="always"
    ),
    "pm_card_threeDSecure2Required": PaymentTestMethod("4000000000003220", authentication="always"),
    "pm_card_threeDSecureRequired": PaymentTestMethod("4000000000003063", authentication="always"),
    "pm_card_threeDSecureRequiredChargeDeclined": PaymentTestMethod(
        "4000008400001629", on_charge=DECLINED, authentication="always"
    ),
    "pm_card_threeDSecureOptional": PaymentTestMethod("4000000000003055"),
    "pm_card_threeDSecureNotSupported": PaymentTestMethod("378282246310005", "amex"),
}
_DECLINE: dict[str, PaymentTestMethod] = {
    "chargeDeclined": _declining("4000000000000002", DECLINED),
    "chargeDeclinedInsufficientFunds": _declining("4000000000009995", INSUFFICIENT),
    "chargeDeclinedLostCard": _declining("4000000000009987", LOST),
    "chargeDeclinedStolenCard": _declining("4000000000009979", STOLEN),
    "chargeDeclinedExpiredCard": _declining("4000000000000069", EXPIRED),
    "chargeDeclinedIncorrectCvc": _declining("4000000000000127", INCORRECT_CVC),
    "chargeDeclinedProcessingError": _declining("4000000000000119", PROCESSING),
    "chargeDeclinedVelocityLimitExceeded": _declining("4000000000006975", VELOCITY),
}
_AFTERWARDS: dict[str, PaymentTestMethod] = {
    "pm_card_createDispute": PaymentTestMethod("4000000000000259", disputed="fraudulent"),
    "pm_card_createDisputeProductNotReceived": PaymentTestMethod(
        "4000000000002685", disputed="product_not_received"
    ),
    "pm_card_createDisputeInquiry": PaymentTestMethod(
        "4000000000001976", disputed="fraudulent", inquiry=True
    ),
    "pm_card_pendingRefund": PaymentTestMethod("4000000000007726", refund="pending"),
    "pm_card_refundFail": PaymentTestMethod("4000000000005126", refund="fails"),
}
TEST_METHODS: dict[str, PaymentTestMethod] = {
    "pm_card_visa": PaymentTestMethod("4242424242424242"),
    "pm_card_visa_debit": PaymentTestMethod("4000056655665556", funding="debit"),
    "pm_card_mastercard": PaymentTestMethod("5555555555554444", "mastercard"),
    "pm_card_mastercard_debit": PaymentTestMethod("5200828282828210", "mastercard", "debit"),
    "pm_card_mastercard_prepaid": PaymentTestMethod("5105105105105100", "mastercard", "prepaid"),
    "pm_card_amex": PaymentTestMethod("371449635398431", "amex"),
    "pm_card_discover": PaymentTestMethod("6011111111111117", "discover"),
    "pm_card_diners": PaymentTestMethod("3056930009020004", "diners"),
    "pm_card_jcb": PaymentTestMethod("3566002020360505", "jcb"),
    "pm_card_unionpay": PaymentTestMethod("6200000000000005", "unionpay"),
    "pm_card_gb": PaymentTestMethod("4000008260000000", country="GB"),
    "pm_card_de": PaymentTestMethod("4000002760000016", country="DE"),
    "pm_card_fr": PaymentTestMethod("4000002500000003", country="FR"),
    "pm_card_chargeCustomerFail": PaymentTestMethod("4000000000000341", on_charge=DECLINED),
    "pm_card_radarBlock": _declining("4100000000000019", FRAUD),
    "pm_usBankAccount": PaymentTestMethod("000123456789", type="us_bank_account"),
    "pm_usBankAccount_success": PaymentTestMethod("000123456789", type="us_bank_account"),
    "pm_usBankAccount_insufficientFunds": _returned(
        "000222222227", "insufficient_funds", "The customer's account has insufficient funds."
    ),
    "pm_usBankAccount_accountClosed": _returned(
        "000111111113", "account_closed", "The customer's bank account has been closed."
    ),
    "pm_usBankAccount_noAccount": _returned(
        "000111111116", "no_account", "The customer's bank account could not be located."
    ),
    "pm_usBankAccount_debitNotAuthorized": _returned(
        "000333333335", "debit_not_authorized", "The customer has not authorized this debit."
    ),
    **_AUTHENTICATE,
    **_AFTERWARDS,
    **{f"pm_card_{name}": method for name, method in _DECLINE.items()},
    **{f"pm_card_visa_{name}": method for name, method in _DECLINE.items()},
}
BY_FINGERPRINT = {method.fingerprint: method for method in TEST_METHODS.values()}
BY_NUMBER = {method.number: method for method in TEST_METHODS.values()}


def behaviour_of(payment_method: dict[str, Any]) -> PaymentTestMethod:
    """How an existing payment method behaves."""
    details = payment_method.get("card") or payment_method.get("us_bank_account") or {}
    return BY_FINGERPRINT[details["fingerprint"]]
