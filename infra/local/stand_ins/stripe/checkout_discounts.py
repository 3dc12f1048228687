"""What coupons take off a Checkout Session, and what is due today."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.checkout_notes import order_of
from infra.local.stand_ins.stripe.discount_amounts import reductions
from infra.local.stand_ins.stripe.discounts import Choice, Discounts, refuse_unless_covered
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.line_items import LineItems


class CheckoutDiscounts:
    """Applies one discount to a session; it is redeemed when the session completes."""

    def __init__(self, account: Account, items: LineItems, discounts: Discounts) -> None:
        self._account, self._items, self._discounts = account, items, discounts

    def give(self, session: Object, given: list[dict[str, Any]]) -> None:
        """Reduce a new session by what its parameters name; the caller stores it."""
        if len(given) > 1:
            raise invalid("You can only apply one discount to a Checkout Session.", param="discounts")
        subtotal, currency = session["amount_subtotal"], session["currency"]
        for choice in self._discounts.chosen(given, session["customer"], subtotal, currency):
            self._reduce(session, choice)

    def type(self, session: Object, code: str) -> None:
        """The customer types a promotion code on the page.

        Raises StripeError 400 when the session takes none or the code is not for it.
        """
        if not session["allow_promotion_codes"]:
            raise invalid("This checkout takes no promotion codes.", param="promotion_code")
        subtotal, currency = session["amount_subtotal"], session["currency"]
        self._reduce(session, self._discounts.typed(code, session["customer"], subtotal, currency))
        self._account.save(session)

    def redeem(self, session: Object) -> None:
        """Count the redemption of a payment; a subscription redeems by itself when it is made."""
        find = self._account.find
        for given in wanted(session):
            code = find("promotion_code", given.get("promotion_code"))
            coupon = find("coupon", code["promotion"]["coupon"] if code else given["coupon"])
            if coupon:
                choice = Choice(coupon, code)
                self._discounts.redeem(choice, session["customer"], session=session["id"])

    def _reduce(self, session: Object, choice: Choice) -> None:
        items = self._items.of(session["id"])
        products = [item["price"]["product"] for item in items]
        refuse_unless_covered(choice.coupon, products)
        shares = reductions([item["amount_subtotal"] for item in items], [choice.coupon], products)[0]
        for item, share in zip(items, shares, strict=True):
            item |= {"amount_discount": share, "amount_total": item["amount_subtotal"] - share}
        self._items.keep(session["id"], items)
        session["discounts"] = [choice.view()]
        session["amount_total"] = session["amount_subtotal"] - sum(shares)
        session["total_details"] = session["total_details"] | {"amount_discount": sum(shares)}
        due_today(session, self._account.state.note(order_of(session["id"])) or {})


def wanted(session: Object) -> list[dict[str, Any]]:
    """The session's discounts as parameters name them."""
    return [{name: id for name, id in each.items() if id} for each in session["discounts"]]


def due_today(session: Object, order: dict[str, Any]) -> None:
    """A session that begins a trial asks for nothing today."""
    data = order.get("subscription_data", {})
    if data.get("trial_period_days") or data.get("trial_end"):
        session["amount_total"] = 0
