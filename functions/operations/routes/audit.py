"""Routes of the audit log."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.operations import services
from usher.usecases.pages import Listed
from usher.usecases.read_audit import AuditQuery, read_audit

routes = Routes()


@routes.get("/v1/audit", query=AuditQuery, answers=Listed)
def index(call: Call[AuditQuery]) -> dict[str, Any]:
    s = services()
    return read_audit(call.input, audit=s.audit, clock=s.clock)
