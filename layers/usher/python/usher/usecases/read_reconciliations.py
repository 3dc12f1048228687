"""GET /v1/reconciliations: the runs, how far one has come, what it found, and its report."""

from typing import Annotated, Any, Literal

from pydantic import Field

from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.problems import Problem
from usher.ports.blobs import Blobs
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.ports.store import ConditionFailed
from usher.records import audit
from usher.records.mismatches import Mismatch, Mismatches, MismatchState
from usher.records.reconciliations import Reconciliations, Run
from usher.usecases.fields import Body, Paged, Text
from usher.usecases.pages import page, reading_a_page
from usher.usecases.report_reconciliation import report_key
from usher.usecases.start_reconciliation import shown

MOST = 5 * 1024 * 1024  # bytes of a report: an answer of Lambda's holds 6 MB


class MismatchesQuery(Paged):
    """Of one run, as they were at its end; or of all, as they are now, in one state."""

    reconciliation_id: Annotated[str | None, Field(pattern=r"^rec_[a-z2-7]{26}$")] = None
    state: MismatchState = "open"


class DismissBody(Body):
    """Why a mismatch may stay as it is: for the audit log."""

    reason: Text


def list_reconciliations(query: Paged, *, runs: Reconciliations) -> dict[str, Any]:
    """Runs, the latest first."""
    with reading_a_page():
        found, cursor = runs.page(limit=query.limit, cursor=query.cursor)
    return page([shown(run) for run in found], cursor)


def show_reconciliation(run_id: str, *, runs: Reconciliations) -> dict[str, Any]:
    """One run with how far it has come. Raises NotFound."""
    run = _run(run_id, runs)
    slices = list(runs.slices(run_id))
    progress = {
        "slices": run.slices,
        "slices_done": sum(each.state != "open" for each in slices),
        "compared": sum(each.compared for each in slices),
        "suspected": sum(each.suspected for each in slices),
    }
    return shown(run) | {"progress": progress}


def list_mismatches(
    query: MismatchesQuery, *, runs: Reconciliations, mismatches: Mismatches
) -> dict[str, Any]:
    """Mismatches, a page at a time. Raises NotFound for a run that is not there."""
    with reading_a_page():
        if query.reconciliation_id is not None:
            _run(query.reconciliation_id, runs)
            found, cursor = runs.found_page(query.reconciliation_id, limit=query.limit, cursor=query.cursor)
        else:
            found, cursor = mismatches.page(query.state, limit=query.limit, cursor=query.cursor)
    return page([told(row) for row in found], cursor)


def read_report(run_id: str, kind: Literal["json", "csv"], *, runs: Reconciliations, blobs: Blobs) -> Answer:
    """A run's report as a file. Raises NotFound, Conflict while the run goes on, Problem 413: too large."""
    run = _run(run_id, runs)
    content = blobs.get(report_key(run_id, kind))
    if content is None:
        raise Conflict(f"{run_id} is {run.state}: its report is written at its end")
    if len(content) > MOST:
        detail = (
            f"It is larger than an answer may be; GET /v1/mismatches?reconciliation_id={run_id} has pages"
        )
        raise Problem(413, "Too large", detail)
    types = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
    named = {"content-disposition": f'attachment; filename="{run_id}.{kind}"'}
    return Answer(200, content.decode(), named, content_type=types[kind])


def dismiss_mismatch(
    mismatch_id: str,
    body: DismissBody,
    caller: Caller,
    *,
    mismatches: Mismatches,
    runs: Reconciliations,
    clock: Clock,
) -> dict[str, Any]:
    """Take a mismatch off the list for as long as neither side changes. Raises NotFound and Conflict."""
    row = mismatches.find(mismatch_id)
    if row is None:
        raise NotFound(f"no mismatch {mismatch_id}")
    if row.state != "open":
        raise Conflict(f"the mismatch is {row.state}")
    now = clock.now()
    closed, write = mismatches.settling(row, "dismissed", reason=body.reason, by=caller.subject, now=now)
    noted = audit.entry(
        caller,
        "mismatch.dismiss",
        subject=row.object_id,
        now=now,
        before={"state": "open"},
        after={"state": "dismissed"},
        reason=body.reason,
    )
    try:
        runs.write([write, noted])
    except ConditionFailed as error:
        raise Conflict("the mismatch has just changed: look at it again") from error
    return told(closed)


def told(row: Mismatch) -> dict[str, Any]:
    """A mismatch as the API tells it."""
    values = row.model_dump(mode="json", exclude_none=True, exclude={"version", "run_id", "first_run_id"})
    return values | {"reconciliation_id": row.run_id}


def _run(run_id: str, runs: Reconciliations) -> Run:
    run = runs.find(run_id)
    if run is None:
        raise NotFound(f"no reconciliation {run_id}")
    return run
