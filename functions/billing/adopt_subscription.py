"""Consumer of the queue `subscriptions`: a checkout's becomes the account's; a second one is refused."""

from usher.bootstrap.checkouts import services
from usher.bootstrap.consumers import each_consumer
from usher.usecases.adopt_subscription import SubscriptionBegan, adopt_subscription


@each_consumer(SubscriptionBegan, hurried="subscriptions")
def handler(began: SubscriptionBegan) -> str:
    s = services()
    return adopt_subscription(
        began,
        store=s.selling.store,
        accounts=s.selling.accounts,
        unbilled=s.unbilled,
        refusing=s.refusing,
    )
