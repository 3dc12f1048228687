"""Routes of one account: what it may use, and who belongs to it."""

from typing import Any

from usher.bootstrap.accounts import services
from usher.bootstrap.api import Call, Routes
from usher.bootstrap.entitlements import services as entitling
from usher.usecases.entitlements import Entitlements, entitlements
from usher.usecases.fields import Nothing
from usher.usecases.invite_user import InvitationBody, invite_user
from usher.usecases.pricing_links import PricingLinkBody, pricing_link

routes = Routes()


@routes.get("/v1/accounts/{id}/entitlements", query=Nothing, answers=Entitlements)
def show_entitlements(call: Call[Nothing]) -> dict[str, Any]:
    return entitlements(call.parameters["id"], entitling=entitling()).model_dump()


@routes.post("/v1/pricing-links", body=PricingLinkBody, status=201)
def link_to_pricing(call: Call[PricingLinkBody]) -> dict[str, Any]:
    return pricing_link(call.input, entitling=entitling(), secrets=services().secrets)


@routes.post("/v1/accounts/{id}/users", body=InvitationBody, status=201)
def invite(call: Call[InvitationBody]) -> dict[str, Any]:
    s = services()
    return invite_user(
        call.parameters["id"],
        call.input,
        call.caller,
        accounts=s.accounts,
        users=s.users,
        log=s.log,
        queue=s.queue,
        policy=s.policy,
        clock=s.clock,
    )
