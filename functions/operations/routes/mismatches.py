"""Routes of what we and the payment vendor hold differently."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.reconciliations import services
from usher.usecases.pages import Listed
from usher.usecases.read_reconciliations import (
    DismissBody,
    MismatchesQuery,
    dismiss_mismatch,
    list_mismatches,
)

routes = Routes()


@routes.get("/v1/mismatches", query=MismatchesQuery, answers=Listed)
def mismatches(call: Call[MismatchesQuery]) -> dict[str, Any]:
    s = services()
    return list_mismatches(call.input, runs=s.runs, mismatches=s.mismatches)


@routes.post("/v1/mismatches/{id}/dismiss", body=DismissBody)
def dismiss(call: Call[DismissBody]) -> dict[str, Any]:
    s = services()
    return dismiss_mismatch(
        call.parameters["id"], call.input, call.caller, mismatches=s.mismatches, runs=s.runs, clock=s.clock
    )
