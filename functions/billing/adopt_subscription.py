"""Rule subscription-began: what a checkout made becomes the account's subscription; a second is refused."""

from usher.bootstrap.checkouts import services
from usher.bootstrap.notices import rule_target
from usher.usecases.adopt_subscription import SubscriptionBegan, adopt_subscription


@rule_target(SubscriptionBegan)
def handler(began: SubscriptionBegan) -> str:
    s = services()
    return adopt_subscription(
        began,
        store=s.selling.store,
        accounts=s.selling.accounts,
        unbilled=s.unbilled,
        refusing=s.refusing,
    )
