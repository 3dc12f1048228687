"""Services of the routes about money: refunds, bank transfers, and lists of both."""

from dataclasses import dataclass

from usher.adapters.stripe_outside_money import StripeOutsideMoney
from usher.adapters.stripe_refunds import StripeRefunds
from usher.bootstrap.platform import per_platform
from usher.bootstrap.policies import money
from usher.bootstrap.stripe import stripe_calls
from usher.ports.platform import Platform
from usher.ports.store import Store
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.events import EventLog
from usher.records.offline_payments import OfflinePayments
from usher.records.refund_requests import RefundRequests
from usher.usecases.give_back import RefundDesk
from usher.usecases.settle_offline_payment import OfflineDesk


@dataclass(frozen=True, slots=True)
class MoneyServices:
    """What these routes need."""

    refunds: RefundDesk
    offline: OfflineDesk
    accounts: Accounts
    store: Store


@per_platform
def services(platform: Platform) -> MoneyServices:
    store = platform.store
    calls = stripe_calls(platform, "reserved")
    accounts, records = Accounts(store), BillingRecords(store, EventLog(store))
    return MoneyServices(
        refunds=RefundDesk(
            accounts=accounts,
            records=records,
            refunds=StripeRefunds(calls),
            requests=RefundRequests(store),
            clock=platform.clock,
        ),
        offline=OfflineDesk(
            store=store,
            accounts=accounts,
            records=records,
            payments=OfflinePayments(store),
            vendor=StripeOutsideMoney(calls),
            policy=money().offline_payments,
            clock=platform.clock,
        ),
        accounts=accounts,
        store=store,
    )
