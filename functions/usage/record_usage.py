"""Consumer of the queue `usage`: buffered records are counted in batches, each once."""

from collections.abc import Mapping, Sequence

from usher.bootstrap.consumers import batch_consumer
from usher.bootstrap.usage import services
from usher.usecases.record_usage import UsageBatch, record_usage


@batch_consumer(UsageBatch)
def handler(batches: Sequence[UsageBatch]) -> Mapping[int, Exception]:
    s = services()
    return record_usage(batches, book=s.book, subscribers=s.subscribers, queue=s.queue, clock=s.clock)
