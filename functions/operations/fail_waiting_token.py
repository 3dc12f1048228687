"""Consumer of the collectors' dead-letter queues: whoever waits for what was given up is told so."""

from usher.bootstrap.consumers import queue_consumer
from usher.bootstrap.waiting import services
from usher.usecases.fail_waiting_token import fail_waiting_token
from usher.usecases.step_batch import QueuedStep


@queue_consumer(QueuedStep, key="task_token")
def handler(step: QueuedStep) -> str:
    s = services()
    return fail_waiting_token(step, signups=s.signups, workflows=s.workflows, clock=s.clock)
