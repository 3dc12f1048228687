"""Many small all-or-none groups of writes in few transactions: what a batch of steps has to put down."""

from collections.abc import Sequence

from usher.domain.errors import StoreUnavailable
from usher.ports.store import MAX_TRANSACTION, ConditionFailed, Store, Write

Group = Sequence[Write]
Outcome = ConditionFailed | StoreUnavailable | None


def transact_all(store: Store, groups: Sequence[Group]) -> list[Outcome]:
    """Do each group all or none, many of them in one transaction; per group its error, None when it is done.

    A group whose condition fails is taken out and the others go on without it. `failed` of its error has
    the positions within the group. No two groups may write one item, none may hold more than a transaction.
    """
    outcomes: list[Outcome] = [None] * len(groups)
    for numbers in _parts(groups):
        while numbers:
            try:
                store.transact([write for number in numbers for write in groups[number]])
                break
            except StoreUnavailable as error:
                for number in numbers:
                    outcomes[number] = error
                break
            except ConditionFailed as error:
                at_fault = _at_fault(error, groups, numbers)
                for number, own in at_fault.items():
                    outcomes[number] = own
                numbers = [number for number in numbers if number not in at_fault]
    return outcomes


def _parts(groups: Sequence[Group]) -> list[list[int]]:
    """The numbers of the groups, as many together as a transaction holds."""
    parts: list[list[int]] = []
    room = 0
    for number, group in enumerate(groups):
        if len(group) > room:
            parts.append([])
            room = MAX_TRANSACTION
        parts[-1].append(number)
        room -= len(group)
    return parts


def _at_fault(
    error: ConditionFailed, groups: Sequence[Group], numbers: Sequence[int]
) -> dict[int, ConditionFailed]:
    """The error of each group that has one of the failed positions; of every group when none is named."""
    found: dict[int, ConditionFailed] = {}
    start = 0
    for number in numbers:
        size = len(groups[number])
        own = {p - start: item for p, item in error.failed.items() if start <= p < start + size}
        if own or not error.failed:
            found[number] = ConditionFailed(str(error), own)
        start += size
    return found
