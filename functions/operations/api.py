"""The operator API: one function, a file of routes per room (docs/contributing/adding_a_route.md)."""

from functions.operations.routes import (
    accounts,
    audit,
    checkouts,
    failures,
    invitations,
    onboardings,
    payment_links,
    plans,
    signups,
)
from usher.bootstrap.api import resolver

ROOMS = (signups, onboardings, payment_links, accounts, checkouts, plans, invitations, failures, audit)

app = resolver(*(room.routes for room in ROOMS))

handler = app.resolve
