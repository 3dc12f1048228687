"""Events of money that moved: payments, refunds, disputes; amounts in minor units of `currency`."""

from typing import ClassVar

from usher.domain.event import Event


class PaymentEvent(Event):
    """What every event about a payment says."""

    payment_id: str
    invoice_id: str | None
    amount_minor: int
    currency: str


class PaymentSucceeded(PaymentEvent):
    """Money came in; `fee_minor` is what the vendor kept of it, None where that is not known (yet)."""

    type: ClassVar[str] = "payment.succeeded"
    method: str | None = None
    fee_minor: int | None = None


class PaymentFailed(PaymentEvent):
    """An attempt to collect was refused; each one that is tells by itself."""

    type: ClassVar[str] = "payment.failed"
    failure_code: str | None
    card_brand: str | None = None
    card_country: str | None = None


class PaymentFeeKnown(PaymentEvent):
    """What the vendor kept of a payment was told after the payment itself."""

    type: ClassVar[str] = "payment.fee_known"
    fee_minor: int


class PaymentApplied(PaymentEvent):
    """The invoice that a payment was for was told after the payment itself."""

    type: ClassVar[str] = "payment.applied"


class RefundEvent(Event):
    """What every event about a refund says."""

    refund_id: str
    payment_id: str | None
    amount_minor: int
    currency: str


class RefundIssued(RefundEvent):
    """Money is on its way back to who paid it; `reason` is the vendor's word for it, no person's text."""

    type: ClassVar[str] = "refund.issued"
    reason: str | None = None


class RefundFailed(RefundEvent):
    """It did not arrive: it is ours again, and the customer is still owed it."""

    type: ClassVar[str] = "refund.failed"


class DisputeEvent(Event):
    """What every event about a dispute says; `fee_minor` is what the vendor asks for it."""

    dispute_id: str
    payment_id: str | None
    amount_minor: int
    currency: str
    reason: str | None = None


class DisputeOpened(DisputeEvent):
    """The bank has taken the money back until it is decided."""

    type: ClassVar[str] = "dispute.opened"
    fee_minor: int = 0
    evidence_due_at: str | None = None


class DisputeFeeKnown(DisputeEvent):
    """The vendor's fees were told, or grew, after the dispute: `fee_minor` is all of them so far.

    `fee_returned_minor` is what of them came back so far.
    """

    type: ClassVar[str] = "dispute.fee_known"
    fee_minor: int = 0
    fee_returned_minor: int = 0


class DisputeWon(DisputeEvent):
    """The money is ours again; `fee_returned_minor` of the fee too."""

    type: ClassVar[str] = "dispute.won"
    fee_returned_minor: int = 0


class DisputeLost(DisputeEvent):
    """The money stays with the bank."""

    type: ClassVar[str] = "dispute.lost"
