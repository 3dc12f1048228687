"""Balance transactions: what each movement did to the account's balance, and what Stripe kept of it."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, new_id
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route
from usher.domain.money import places

CARD_PER_MILLE, CARD_FIXED = 29, 30  # stripe.com/pricing, US: 2.9 % and 30 cents
DEBIT_PER_MILLE, DEBIT_MOST = 8, 500  # ACH direct debit: 0.8 %, at most 5.00
DISPUTE_FEE = 1500  # docs.stripe.com/disputes/how-disputes-work, US: for every dispute received
CATEGORIES = {"charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund"}


def settle(
    account: Account,
    type: str,
    source: Object,
    amount: int,
    fee: int = 0,
    *,
    category: str | None = None,
    description: str | None = None,
) -> Object:
    """Book `amount` (minor units, negative when it leaves) less `fee`; returns the stored transaction.

    Nothing is held back for a payout's days: it is available at once.
    """
    now, currency = account.now(), source["currency"]
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Dispute fee" if category == "dispute" else "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    transaction: Object = {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": category or CATEGORIES[type],
        "source": source["id"],
        "status": "available",
        "type": type,
    }
    return account.save(transaction)


def settle_charge(account: Account, charge: Object) -> Object:
    """Book a charge that succeeded, less the processing fee; not returned when it is refunded."""
    card = charge["payment_method_details"]["type"] == "card"
    amount = charge["amount"]
    if card:
        fixed = 0 if places(charge["currency"]) == 0 else CARD_FIXED
        fee = (amount * CARD_PER_MILLE + 500) // 1000 + fixed
    else:
        fee = min((amount * DEBIT_PER_MILLE + 500) // 1000, DEBIT_MOST)
    return settle(
        account, "charge" if card else "payment", charge, amount, fee, description=charge["description"]
    )


class BalanceTransactions(Resource):
    """`/v1/balance_transactions`, to read."""

    def routes(self) -> dict[str, Route]:
        filters = ("currency", "source", "type")
        return {
            "GET /v1/balance_transactions": route(self.list_all, PAGE, filters),
            "GET /v1/balance_transactions/{id}": route(self.retrieve),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        currency = params.get("currency")
        where = (lambda held: held["currency"] == currency) if currency else None
        owner, label = params.get("source"), params.get("type")
        url = "/v1/balance_transactions"
        return self.listing("balance_transaction", params, url, owner=owner, label=label, where=where)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("balance_transaction", id)


class Balance(Resource):
    """`/v1/balance`: what the balance transactions add up to; no payouts."""

    def routes(self) -> dict[str, Route]:
        return {"GET /v1/balance": route(self.retrieve)}

    def retrieve(self, params: dict[str, Any]) -> Object:
        sums: dict[str, int] = {}
        for moved in self.account.state.page("balance_transaction"):
            sums[moved["currency"]] = sums.get(moved["currency"], 0) + moved["net"]
        available = [{"amount": amount, "currency": name} for name, amount in (sums or {"usd": 0}).items()]
        nothing = [{"amount": 0, "currency": entry["currency"]} for entry in available]
        return {"object": "balance", "available": available, "livemode": False, "pending": nothing}
