"""Step AskReview: the reviewers see why, and their decision in the API is waited for."""

from usher.usecases.answer_wait import Asker
from usher.usecases.asking import ask
from usher.usecases.step import OK, AskCommand, StepResult


def ask_review(command: AskCommand, *, asker: Asker) -> StepResult:
    """Note that a review is due; the event that goes with it tells the reviewers, with the reasons."""
    ask(command, "review", asker)
    return OK
