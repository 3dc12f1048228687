"""The rooms of the operator API, in the order of its description."""

from functions.operations.routes import (
    accounts,
    audit,
    checkouts,
    events,
    failures,
    invitations,
    ledger,
    money,
    onboardings,
    payment_links,
    plans,
    reconciliations,
    signups,
    stripe,
    subscriptions,
    usage,
)

ROOMS = (
    signups,
    onboardings,
    payment_links,
    accounts,
    checkouts,
    money,
    usage,
    subscriptions,
    plans,
    invitations,
    failures,
    events,
    ledger,
    stripe,
    reconciliations,
    audit,
)
