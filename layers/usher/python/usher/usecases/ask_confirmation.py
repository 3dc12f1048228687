"""Step AskConfirmation: a mail with a link, and the click on it is waited for."""

from usher.ports.queue import Queue
from usher.usecases.answer_wait import Asker
from usher.usecases.asking import ask, send_notice
from usher.usecases.step import OK, AskCommand, StepResult


def ask_confirmation(command: AskCommand, *, asker: Asker, queue: Queue) -> StepResult:
    """Mail the link that confirms the address; the reminder is a second mail with the same link."""
    if ask(command, "confirmation", asker):
        send_notice(queue, command, "confirm_email")
    return OK
