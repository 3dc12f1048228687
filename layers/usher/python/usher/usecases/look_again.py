"""Step LookAgain: what looked different is fetched once more; what still differs is healed, or filed.

A difference that is gone was an object on the move. What a fetch of the vendor's object settles is healed by
the path that its webhooks take; all else waits for a person, with both sides.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.reconciliation import Difference
from usher.ports.store import ConditionFailed, Write
from usher.records import audit
from usher.records.mismatches import Mismatch, MismatchState, of_object
from usher.records.reconciliations import Run, Suspicion
from usher.usecases.looking import Looking, heal, is_nobodys, look
from usher.usecases.reconciling import RunCommand, RunResult, run_of

AT_ONCE = 10  # objects per call of the function: one to four calls of the vendor each
_TRIES = 4
_WAITS: Mapping[str, str] = {
    "missing_remote": "we hold it and the vendor does not: nothing can be fetched",
    "unknown_account": "it belongs to no account of ours",
    "customer": "it belongs to another customer there, which no object ever changes",
    "currency": "its currency differs, which no object ever changes",
}


def look_again(command: RunCommand, looking: Looking) -> RunResult:
    """Look at up to ten suspicions; `wait`, while one of them is younger than policy's quiet time."""
    run = run_of(command, looking.runs)
    suspicions = looking.runs.suspicions(run.run_id, limit=AT_ONCE)
    ripe_at = looking.clock.now() - timedelta(seconds=looking.policy.quiet_seconds)
    ripe = [each for each in suspicions if times.moment(each.seen_at) <= ripe_at]
    for each in ripe:
        _settle(each, run, looking)
    if not suspicions:
        return RunResult(outcome="done")
    if ripe:
        return RunResult(outcome="more")
    return RunResult(outcome="wait", wait_seconds=_seconds(suspicions, ripe_at))


def _seconds(suspicions: list[Suspicion], ripe_at: datetime) -> int:
    first = min(times.moment(each.seen_at) for each in suspicions)
    return int((first - ripe_at).total_seconds()) + 1


def _settle(suspicion: Suspicion, run: Run, looking: Looking) -> None:
    """Decide on one, and write it: the suspicion goes with what it turned out to be."""
    for _ in range(_TRIES):
        found = look(suspicion, looking)
        if found is not None and found.kind == "missing_local" and is_nobodys(found.there, looking):
            found = found.model_copy(update={"kind": "unknown_account"})
        try:
            if found is None:
                return _agreed(suspicion, run, looking)
            if not (run.heal and found.is_safe):
                return _filed(suspicion, run, found, _why(found), looking)
            # Filed before it is healed: whoever comes after a crash in between finds what it was.
            if _file(suspicion, run, found, "it is fetched anew", looking, []) == "dismissed":
                return _filed(suspicion, run, found, _why(found), looking)
            rest = heal(suspicion, looking)
            if rest is None:
                return _agreed(suspicion, run, looking)
            return _filed(suspicion, run, rest, "still differs after it was fetched anew", looking)
        except ConditionFailed:
            continue  # a person settled it, or a webhook came, just now: look once more
    raise ConditionFailed(f"{suspicion.part} kept changing while it was looked at; try again", {})


def _why(found: Difference) -> str:
    return _WAITS.get(found.kind, "a fetch settles it: heal this run")


def _agreed(suspicion: Suspicion, run: Run, looking: Looking) -> None:
    """Both sides say the same: what was on the list is off it, healed by this run if this run filed it."""
    writes: list[Write] = [looking.runs.settling(suspicion)]
    row, now = looking.mismatches.find(of_object(suspicion.object, suspicion.object_id)), looking.clock.now()
    if row is not None and row.state == "open":
        healed = run.heal and row.run_id == run.run_id
        closed, write = looking.mismatches.settling(
            row,
            "healed",
            reason="fetched from the vendor anew" if healed else "both sides agree again",
            by=run.started_by if healed else "itself",
            now=now,
            run_id=run.run_id,
        )
        writes += [write, looking.runs.finding(run.run_id, closed)]
        if healed:
            writes.append(_noted(row, run, now))
    looking.runs.write(writes)


def _noted(row: Mismatch, run: Run, now: datetime) -> Write:
    return audit.entry(
        Caller(subject=run.started_by, role=run.role),
        "mismatch.heal",
        subject=row.object_id,
        now=now,
        before=row.here.model_dump(mode="json") if row.here else None,
        after=row.there.model_dump(mode="json") if row.there else None,
        reason=f"reconciliation {run.run_id}: {row.kind}",
    )


def _filed(suspicion: Suspicion, run: Run, found: Difference, reason: str, looking: Looking) -> None:
    _file(suspicion, run, found, reason, looking, [looking.runs.settling(suspicion)])


def _file(
    suspicion: Suspicion,
    run: Run,
    found: Difference,
    reason: str,
    looking: Looking,
    also: Sequence[Write],
) -> MismatchState:
    """Put it on the list with both sides; returns its state, for a person may have dismissed it."""
    known = found.there or found.here
    customer_id = known.customer_id if known else None
    account = looking.accounts.find_by_customer(customer_id) if customer_id else None
    row, write = looking.mismatches.filing(
        run.run_id,
        suspicion.object,
        found,
        reason=reason,
        now=looking.clock.now(),
        account_id=account.account_id if account else None,
    )
    looking.runs.write([write, looking.runs.finding(run.run_id, row), *also])
    return row.state
