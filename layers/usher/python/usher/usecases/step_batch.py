"""What steps that work many sign-ups at once share: an outcome for each, one never another's."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from usher.domain.errors import NotFound, UsherError
from usher.records.signups import Signup, Signups
from usher.usecases.step import StepCommand, StepResult

Outcome = StepResult | UsherError
Outcomes = dict[str, Outcome]  # by sign-up


class QueuedStep(StepCommand):
    """A step as the workflow puts it into a queue: its name, and the token that waits for its answer."""

    step: str
    task_token: str = Field(min_length=1)


def of_signups(
    commands: Sequence[StepCommand], signups: Signups
) -> tuple[list[tuple[StepCommand, Signup]], Outcomes]:
    """Each command with its record, and the outcome of those that have none.

    Raises StoreUnavailable: without a store there is no outcome for any of them.
    """
    found: list[tuple[StepCommand, Signup]] = []
    missing: Outcomes = {}
    for command in commands:
        try:
            found.append((command, signups.get(command.signup_id)))
        except NotFound as error:
            missing[command.signup_id] = error
    return found, missing


def in_order(commands: Sequence[StepCommand], outcomes: Mapping[str, Outcome]) -> list[Outcome]:
    """The outcomes as the commands stand."""
    return [outcomes[command.signup_id] for command in commands]
