"""Names of the notes that Checkout keeps beside its sessions."""


def order_of(session: str) -> str:
    """The note with what a session does not show: its data for the payment, what it began."""
    return f"order of {session}"


def note_of(paid_by: str) -> str:
    """The note that names the session of a payment intent, setup intent or subscription."""
    return f"checkout of {paid_by}"
