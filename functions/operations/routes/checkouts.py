"""Routes about what accounts pay for: checkouts, the portal, the days of a trial, the end of the beta."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.checkouts import services
from usher.usecases.extend_trial import ExtensionBody, extend_trial
from usher.usecases.migrate_beta import MigrationBody, migrate_beta
from usher.usecases.open_checkout import CheckoutBody, open_checkout
from usher.usecases.open_portal import PortalBody, open_portal

routes = Routes()


@routes.post("/v1/checkouts", body=CheckoutBody, status=201)
def open_one(call: Call[CheckoutBody]) -> dict[str, Any]:
    s = services()
    key = f"checkout/{call.request_id}"
    return {"url": open_checkout(call.input, key=key, selling=s.selling, offers=s.offers)}


@routes.post("/v1/portal-sessions", body=PortalBody, status=201)
def open_portal_session(call: Call[PortalBody]) -> dict[str, Any]:
    s = services()
    key = f"portal/{call.request_id}"
    return {"url": open_portal(call.input, key=key, accounts=s.selling.accounts, portal=s.portal)}


@routes.post("/v1/accounts/{id}/trial", body=ExtensionBody)
def extend(call: Call[ExtensionBody]) -> dict[str, Any]:
    s = services()
    return extend_trial(
        call.parameters["id"],
        call.input,
        call.caller,
        accounts=s.selling.accounts,
        records=s.selling.records,
        trials=s.trials,
        clock=s.selling.clock,
    )


@routes.post("/v1/beta/migrations", body=MigrationBody)
def migrate(call: Call[MigrationBody]) -> dict[str, Any]:
    return migrate_beta(call.input, call.caller, services().migrating)
