"""Which functions record traces: those that workflows call and those that collect what workflows send."""

from functools import cache

from infra import catalog
from infra.state_machine_file import lambda_steps, load, queue_names


@cache
def traced() -> frozenset[str]:
    """Paths of functions whose runs are segments with a sign-up's ids, by which a trace is found.

    Every other function would begin traces of its own that nobody can find by an id, and each is paid for
    (ADR 0090). A step's trace is its execution's, which is sampled as a whole.
    """
    documents = [load(workflow.name) for workflow in catalog.WORKFLOWS]
    steps = {catalog.step(name).path for document in documents for name in lambda_steps(document)}
    sent_to = {name for document in documents for name in queue_names(document)}
    return frozenset(steps | {queue.consumer for queue in catalog.QUEUES if queue.placeholder in sent_to})
