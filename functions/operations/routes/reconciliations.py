"""Routes of reconciliations: their runs, and what each found."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.reconciliations import services
from usher.ports.http import Answer
from usher.usecases import read_reconciliations as reading
from usher.usecases import start_reconciliation as starting
from usher.usecases.fields import Nothing, Paged
from usher.usecases.pages import Listed

routes = Routes()


@routes.get("/v1/reconciliations", query=Paged, answers=Listed)
def index(call: Call[Paged]) -> dict[str, Any]:
    return reading.list_reconciliations(call.input, runs=services().runs)


@routes.post("/v1/reconciliations", body=starting.StartBody, status=202)
def start(call: Call[starting.StartBody]) -> dict[str, Any]:
    s = services()
    return starting.start_reconciliation(
        call.input, call.caller, runs=s.runs, workflows=s.workflows, clock=s.clock
    )


@routes.get("/v1/reconciliations/{id}", query=Nothing)
def show(call: Call[Nothing]) -> dict[str, Any]:
    return reading.show_reconciliation(call.parameters["id"], runs=services().runs)


@routes.post("/v1/reconciliations/{id}/heal", body=starting.HealBody, status=202)
def heal(call: Call[starting.HealBody]) -> dict[str, Any]:
    s = services()
    return starting.heal_reconciliation(
        call.parameters["id"], call.input, call.caller, runs=s.runs, workflows=s.workflows, clock=s.clock
    )


@routes.get("/v1/reconciliations/{id}/report.csv", query=Nothing)
def report_csv(call: Call[Nothing]) -> Answer:
    s = services()
    return reading.read_report(call.parameters["id"], "csv", runs=s.runs, blobs=s.blobs)


@routes.get("/v1/reconciliations/{id}/report.json", query=Nothing)
def report_json(call: Call[Nothing]) -> Answer:
    s = services()
    return reading.read_report(call.parameters["id"], "json", runs=s.runs, blobs=s.blobs)
