"""The digest: how many of the latest sign-ups became customers, in one line, without a call per customer."""

from datetime import timedelta

from usher.domain.chat_messages import digest
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.clock import Clock
from usher.ports.queue import Queue
from usher.ports.store import Store
from usher.records import cohorts
from usher.usecases.post_to_slack import CHAT, waiting

EVERY = timedelta(minutes=15)  # as often as infra/catalog.py has it called


def tell_digest(*, store: Store, queue: Queue, policy: OnboardingPolicy, clock: Clock) -> int:
    """Queue the line when policy asks for a digest and somebody came; returns how many became customers.

    It tells of those received in the quarter of an hour before the last one: they have had their time, and
    each is counted in one digest only.
    """
    if policy.announce_success != "digest":
        return 0
    until = clock.now() - EVERY
    since = until - EVERY
    count = cohorts.count(store, stage=cohorts.WELCOMED, since=since, until=until)
    if count:
        queue.send(CHAT, [waiting(digest(count, since, until))])
    return count
