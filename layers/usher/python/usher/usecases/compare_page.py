"""Step ComparePage: some pages of a slice are compared, the vendor's with ours, in both directions (C10).

What looks different is only suspected here: it may have changed while the page was read. LookAgain decides.
"""

from pydantic import Field

from usher.domain import times
from usher.domain.errors import NotFound, PermanentError
from usher.domain.reconciliation import Difference, Side, difference, side
from usher.domain.reconciliation_pages import join
from usher.ports.billing_listing import BillingListing
from usher.ports.clock import Clock
from usher.records.created import Created
from usher.records.reconciliations import Progress, Reconciliations
from usher.usecases.reconciling import RunCommand, RunResult, run_of

ROUNDS = 10  # pages of a hundred per call of the function
MOST_IN_A_SECOND = 100  # pages; beyond that an order within the second would be needed, which no list has


class ComparePage(RunCommand):
    """Input of the step: which slice of the run."""

    slice: str = Field(pattern=r"^(subscription|invoice|payment|refund)#\d{4}-\d\d-\d\d$")


def compare_page(
    command: ComparePage,
    *,
    runs: Reconciliations,
    created: Created,
    listing: BillingListing,
    most: int,
    clock: Clock,
) -> RunResult:
    """Compare up to a thousand objects from where the slice stands; each page is kept as it is done.

    A slice with more than `most` suspicions ends there: it is no list of mistakes but a large one.
    """
    run_of(command, runs)
    here = runs.slice(command.run_id, command.slice)
    if here is None:
        raise NotFound(f"{command.run_id} has no slice {command.slice}")
    for _ in range(ROUNDS):
        if here.state != "open":
            break
        after, suspected = _next(here, created=created, listing=listing)
        if after.suspected > most:
            after = after.moved(state="too_many")
        here = runs.advance(command.run_id, here, after, suspected, now=clock.now())
    return RunResult(outcome="more" if here.state == "open" else "done")


def _next(here: Progress, *, created: Created, listing: BillingListing) -> tuple[Progress, list[Difference]]:
    """One page further into the past, and what differs on it."""
    since, upto = times.moment(here.since), times.moment(here.upto)
    page = listing.page(here.kind, since=since, upto=upto)
    there = [side(here.kind, vars(each)) for each in page.snapshots]
    ours = created.page(here.kind, since=here.since, upto=here.upto)
    sides, reached, cursor = list(ours.sides), ours.reached, ours.cursor
    more = page.more
    for _ in range(MOST_IN_A_SECOND):
        stuck_there = more and there[-1].created_at == here.upto
        stuck_here = reached == here.upto
        if not (stuck_there or stuck_here):
            break
        if stuck_there:  # a whole page within one second: read on until the second is whole
            page = listing.page(here.kind, since=since, upto=upto, after=there[-1].object_id)
            there += [side(here.kind, vars(each)) for each in page.snapshots]
            more = page.more
        if stuck_here:
            ours = created.page(here.kind, since=here.since, upto=here.upto, cursor=cursor)
            sides, reached, cursor = [*sides, *ours.sides], ours.reached, ours.cursor
    else:
        raise PermanentError(f"more than {MOST_IN_A_SECOND * 100} objects ({here.kind}) of {here.upto}")
    joined = join(there, sides, reached=(there[-1].created_at if more else None, reached))
    suspected = [each for pair in joined.pairs if (each := _suspicious(here, *pair, created=created))]
    after = here.moved(
        upto=joined.frontier or here.since,
        state="done" if joined.frontier is None else "open",
        compared=here.compared + len(joined.pairs),
        suspected=here.suspected + len(suspected),
    )
    return after, suspected


def _suspicious(
    here: Progress, there: Side | None, ours: Side | None, *, created: Created
) -> Difference | None:
    """What differs by the row itself: the list of ours may lag behind it."""
    if difference(there, ours) is None:
        return None
    known = there or ours
    assert known is not None
    return difference(there, created.find(here.kind, known.object_id))
