"""Routes of the ledger: its reports, what waits in quarantine, and adjustments."""

from typing import Any

from usher.bootstrap.api import Call, Outcome, Routes
from usher.bootstrap.ledger import adjustments, desk
from usher.ports.http import Answer
from usher.usecases import decide_adjustment as deciding
from usher.usecases import ledger_reports as reports
from usher.usecases.adjust_ledger import adjust_ledger
from usher.usecases.adjustment_request import Adjustment
from usher.usecases.dismiss_quarantined import Dismissal, dismiss_quarantined
from usher.usecases.list_quarantine import QuarantineQuery, list_quarantine
from usher.usecases.pages import Listed

routes = Routes()


@routes.get("/v1/reports/ledger/trial-balance.csv", query=reports.TrialBalanceQuery)
def trial_balance(call: Call[reports.TrialBalanceQuery]) -> Outcome:
    return reports.trial_balance(call.input, ledger=desk().ledger, clock=desk().clock)


@routes.get("/v1/reports/ledger/statement.csv", query=reports.StatementQuery)
def statement(call: Call[reports.StatementQuery]) -> Outcome:
    return reports.statement(call.input, ledger=desk().ledger, clock=desk().clock)


@routes.get("/v1/ledger/quarantine", query=QuarantineQuery, answers=Listed)
def quarantine(call: Call[QuarantineQuery]) -> dict[str, Any]:
    return list_quarantine(call.input, quarantine=desk().quarantine)


@routes.post("/v1/ledger/quarantine/{id}/dismiss", body=Dismissal)
def dismiss(call: Call[Dismissal]) -> dict[str, Any]:
    d = desk()
    return dismiss_quarantined(
        call.parameters["id"], call.input, by=call.caller, quarantine=d.quarantine, clock=d.clock
    )


@routes.post("/v1/ledger/adjustments", body=Adjustment, status=201)
def adjust(call: Call[Adjustment]) -> Answer:
    return adjust_ledger(call.input, by=call.caller, key=call.key, desk=adjustments())


@routes.get("/v1/ledger/adjustments", query=deciding.AdjustmentsQuery, answers=Listed)
def show_adjustments(call: Call[deciding.AdjustmentsQuery]) -> dict[str, Any]:
    return deciding.list_adjustments(call.input, desk=adjustments())


@routes.post("/v1/ledger/adjustments/{id}/approve", body=deciding.Approval)
def approve(call: Call[deciding.Approval]) -> dict[str, Any]:
    id = call.parameters["id"]
    return deciding.approve_adjustment(id, call.input, by=call.caller, desk=adjustments())


@routes.post("/v1/ledger/adjustments/{id}/reject", body=deciding.Rejection)
def reject(call: Call[deciding.Rejection]) -> dict[str, Any]:
    id = call.parameters["id"]
    return deciding.reject_adjustment(id, call.input, by=call.caller, desk=adjustments())
