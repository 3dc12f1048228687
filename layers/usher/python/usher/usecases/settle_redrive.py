"""The execution of a redrive has ended well: its failure is taken off the list, or stays with what lacks."""

from usher.records.events import EventLog
from usher.records.failures import of_signup
from usher.usecases.file_failed_execution import ExecutionEnded, signup_id_of
from usher.usecases.mend_failures import settle_failure
from usher.usecases.redriving import Redriving


def settle_redrive(ended: ExecutionEnded, *, s: Redriving, log: EventLog) -> bool:
    """Settle the row of the execution's sign-up; returns whether it moved.

    Only to be prompt: the schedule does the same for an end that nobody told.
    """
    signup_id = signup_id_of(ended)
    return signup_id is not None and settle_failure(of_signup(signup_id), s=s, log=log)
