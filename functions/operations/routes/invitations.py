"""Routes of invitations to the beta phase."""

from typing import Any

from usher.bootstrap.accounts import services
from usher.bootstrap.api import Call, Routes
from usher.usecases import invitations
from usher.usecases.fields import Nothing
from usher.usecases.invitations import InvitationsBody, InvitationsQuery
from usher.usecases.pages import Listed

routes = Routes()


@routes.post("/v1/invitations", body=InvitationsBody, status=201, shown_once=True)
def make(call: Call[InvitationsBody]) -> dict[str, Any]:
    s = services()
    return invitations.make_invitations(
        call.input, call.caller, invitations=s.invitations, policy=s.policy, clock=s.clock
    )


@routes.get("/v1/invitations", query=InvitationsQuery, answers=Listed)
def index(call: Call[InvitationsQuery]) -> dict[str, Any]:
    s = services()
    return invitations.list_invitations(call.input, invitations=s.invitations, clock=s.clock)


@routes.post("/v1/invitations/{id}/revoke", body=Nothing)
def revoke(call: Call[Nothing]) -> dict[str, Any]:
    s, id = services(), call.parameters["id"]
    return invitations.revoke_invitation(id, call.caller, invitations=s.invitations, clock=s.clock)
