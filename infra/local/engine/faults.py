"""Which retrier or catcher an error meets, and how long a retry waits."""

import random
from collections.abc import Sequence

from infra.local.engine.definition import Retrier, Rule
from infra.local.engine.errors import (
    ALL,
    DATA_LIMIT,
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
)


def matches(errors: frozenset[str], error: str) -> bool:
    """Whether `ErrorEquals` names this error, by itself or by a wildcard.

    Source: AWS Step Functions, "Handling errors": States.Runtime is never retried or caught;
    States.DataLimitExceeded only by its own name; States.TaskFailed matches all but timeouts; a heartbeat
    that stays out is also reported under States.Timeout.
    """
    if error == RUNTIME:
        return False
    if error in errors:
        return True
    if error == DATA_LIMIT:
        return False
    if ALL in errors:
        return True
    if error in (TIMEOUT, HEARTBEAT_TIMEOUT):
        return TIMEOUT in errors
    return TASK_FAILED in errors


def retrier_for(retriers: Sequence[Retrier], error: str) -> int | None:
    """Position of the first retrier that names the error; a later one is not asked when it is used up."""
    return next((i for i, retrier in enumerate(retriers) if matches(retrier.errors, error)), None)


def catcher_for(catchers: Sequence[Rule], error: str) -> Rule | None:
    return next((catcher for catcher in catchers if matches(catcher.errors, error)), None)


def delay(retrier: Retrier, retries: int) -> float:
    """Seconds before the next attempt, after `retries` earlier ones by this retrier.

    Full jitter draws from nothing up to the delay (States Language, "Retrying after error").
    """
    seconds = min(retrier.interval * retrier.backoff**retries, retrier.max_delay or 99_999_999)
    return random.uniform(0, seconds) if retrier.jitter else seconds
