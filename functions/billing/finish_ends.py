"""Schedule finish-ends: ends of subscriptions that broke off before all was paid back."""

from usher.bootstrap.notices import scheduled
from usher.bootstrap.subscriptions import desk
from usher.usecases.finish_ends import finish_ends


@scheduled
def handler() -> int:
    return finish_ends(desk())
