"""GET /v1/failures: what failed, whose it is, why, since when, and where to look (B11)."""

from typing import Annotated, Any

from pydantic import Field

from usher.domain.payment_links import STEPS
from usher.records.failures import Failure, Failures, State
from usher.usecases.fields import Body, Paged, Text
from usher.usecases.pages import page, reading_a_page


class FailuresQuery(Paged):
    """`order`: the oldest first, unless asked otherwise."""

    state: State = "open"
    order: Annotated[str, Field(pattern="^(oldest|newest)$")] = "oldest"


class RedriveBody(Body):
    """Why it is tried again: for the audit log."""

    reason: Text


def list_failures(query: FailuresQuery, *, failures: Failures, public_url: str) -> dict[str, Any]:
    """Failures in a state, a page at a time. Raises Problem 400 for a cursor of another list."""
    with reading_a_page():
        rows, cursor = failures.page(
            query.state, cursor=query.cursor, limit=query.limit, newest_first=query.order == "newest"
        )
    return page([shown(row, public_url) for row in rows], cursor)


def shown(failure: Failure, public_url: str) -> dict[str, Any]:
    """A row as the API tells it: with links, and without what only Usher needs."""
    item = failure.model_dump(exclude_none=True, exclude={"version", "group"})
    links = {"redrive": f"{public_url}/v1/failures/{failure.failure_id}/redrive"}
    if failure.kind == "reconciliation":
        links["reconciliation"] = f"{public_url}/v1/reconciliations/{failure.subject}"
    elif failure.kind not in {"message", "event"}:
        links["signup"] = f"{public_url}/v1/signups/{failure.subject}"
    if console := console_link(failure.execution):
        links["execution"] = console
    return {**item, "what_to_do": what_to_do(failure), "links": links}


def what_to_do(failure: Failure) -> str:
    """What makes it whole, for who reads the row and nothing else."""
    match failure.kind:
        case "execution":
            return f"Mend the cause, then redrive: it goes on at {failure.step}; nothing was rolled back."
        case "undo":
            return f"Redrive within 14 days: the rollback goes on at {failure.step}. Later, undo it by hand."
        case "degraded":
            by_itself = f" By itself it is tried at {failure.next_try_at}." if failure.next_try_at else ""
            other = " Resend sends it to another address." if failure.step == "send_link_welcome" else ""
            return f"Redrive when the cause is gone: only what lacks is done.{other}{by_itself}"
        case "rolled_back" if failure.step in STEPS:
            return "Mend the cause, then redrive: the same is sold again, by a new link. Its money went back."
        case "rolled_back":
            return "Mend the cause, then redrive: a new attempt from the start. What was made is undone."
        case "message":
            return f"Mend the cause, then redrive: it is sent to the queue {failure.queue} once more."
        case "event":
            return "Redrive once whose it is is on record, or the cause is mended: it is dealt with anew."
        case "reconciliation":
            return "Redrive: the comparison goes on where it broke."


def console_link(execution: str | None) -> str | None:
    """Where the AWS console shows an execution; None for one that runs elsewhere."""
    region = (execution or "").split(":")[3:4]
    if not region or region == ["local"] or not (execution or "").startswith("arn:aws"):
        return None
    console = f"https://{region[0]}.console.aws.amazon.com/states/home?region={region[0]}"
    return f"{console}#/v2/executions/details/{execution}"
