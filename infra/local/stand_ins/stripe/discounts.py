"""Discounts: coupons and promotion codes as they are redeemed, and what they take off invoices."""

from dataclasses import dataclass
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, new_id
from infra.local.stand_ins.stripe.coupons import redeemable
from infra.local.stand_ins.stripe.discount_amounts import covers, reductions
from infra.local.stand_ins.stripe.errors import StripeError, invalid, missing
from infra.local.stand_ins.stripe.periods import after
from infra.local.stand_ins.stripe.promotion_codes import active_codes
from infra.local.stand_ins.stripe.resource import refuse_others


def refuse_unless_covered(coupon: Object, products: list[str]) -> None:
    """Raise a 400 when the coupon is for none of these products."""
    if not any(covers(coupon, product) for product in products):
        raise invalid("This coupon cannot be redeemed: it applies to nothing in this order.", param="coupon")


@dataclass(frozen=True, slots=True)
class Choice:
    """A coupon that may be redeemed, and the promotion code that names it, if any."""

    coupon: Object
    promotion_code: Object | None = None

    def view(self) -> Object:
        """As a Checkout Session shows it."""
        code = self.promotion_code
        return {"coupon": None if code else self.coupon["id"], "promotion_code": code["id"] if code else None}


class Discounts:
    """Checks, redeems and applies coupons."""

    def __init__(self, account: Account) -> None:
        self._account = account

    # -- choosing --------------------------------------------------------------------------------

    def chosen(
        self, given: list[dict[str, Any]], customer: str | None, amount: int, currency: str
    ) -> list[Choice]:
        """What `discounts` of the parameters name.

        Args:
            customer: whose purchase of `amount` in `currency` it is.

        Raises:
            StripeError: 400 when one is unknown, expired, used up, or not for this purchase.
        """
        choices = []
        for index, each in enumerate(given):
            param = f"discounts[{index}]"
            refuse_others(each, ("coupon", "promotion_code"), param)
            if id := each.get("promotion_code"):
                code = self._account.need("promotion_code", id, param=f"{param}[promotion_code]")
                choices.append(self._by_code(code, customer, amount, currency))
            else:
                coupon = self._account.need("coupon", each.get("coupon", ""), param=f"{param}[coupon]")
                choices.append(self._checked(Choice(coupon), currency))
        return choices

    def typed(self, code: str, customer: str | None, amount: int, currency: str) -> Choice:
        """What a customer who types `code` means; raises StripeError 400 as `chosen` does."""
        found = active_codes(self._account.state.page, code)
        mine = [held for held in found if held["customer"] in (None, customer)]
        if not mine:
            raise missing("promotion code", code, param="promotion_code", status=400)
        return self._by_code(mine[0], customer, amount, currency)

    def _by_code(self, code: Object, customer: str | None, amount: int, currency: str) -> Choice:
        now, limits = self._account.now(), code["restrictions"]
        if not code["active"] or not redeemable(code, now):
            raise StripeError(400, "This promotion code has expired or is inactive.", code="coupon_expired")
        if code["customer"] not in (None, customer):
            raise invalid("This promotion code is for another customer.", param="promotion_code")
        if limits["minimum_amount"] and (
            amount < limits["minimum_amount"] or currency != limits["minimum_amount_currency"]
        ):
            raise invalid("This purchase is below the promotion code's minimum.", param="promotion_code")
        if limits["first_time_transaction"] and customer and self._has_paid(customer):
            raise invalid("This promotion code is for first-time customers.", param="promotion_code")
        coupon = self._account.need("coupon", code["promotion"]["coupon"], param="promotion_code")
        return self._checked(Choice(coupon, code), currency)

    def _checked(self, choice: Choice, currency: str) -> Choice:
        coupon = choice.coupon
        if not redeemable(coupon, self._account.now()):
            raise StripeError(400, f"Coupon expired: {coupon['id']}", code="coupon_expired", param="coupon")
        if coupon["currency"] not in (None, currency):
            message = f"The coupon is in {coupon['currency']} and cannot reduce an amount in {currency}."
            raise invalid(message, param="coupon")
        return choice

    def _has_paid(self, customer: str) -> bool:
        return any(charge["paid"] for charge in self._account.state.page("charge", owner=customer))

    # -- redeeming -------------------------------------------------------------------------------

    def redeem(
        self,
        choice: Choice,
        customer: str | None,
        *,
        subscription: str | None = None,
        session: str | None = None,
    ) -> Object:
        """Count the redemption; returns the stored discount, which lasts as its coupon says."""
        account, now = self._account, self._account.now()
        coupon, code = account.find("coupon", choice.coupon["id"]) or choice.coupon, choice.promotion_code
        coupon["times_redeemed"] += 1
        account.save(coupon | {"valid": redeemable(coupon, now)}, "coupon.updated")
        if code:
            code["times_redeemed"] += 1
            account.save(code | {"active": redeemable(code, now)}, "promotion_code.updated")
        months = coupon["duration_in_months"]
        discount: Object = {
            "id": new_id("discount"),
            "object": "discount",
            "checkout_session": session,
            "customer": customer,
            "end": after(now, "month", months) if months else None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": code["id"] if code else None,
            "source": {"coupon": coupon["id"], "type": "coupon"},
            "start": now,
            "subscription": subscription,
            "subscription_item": None,
        }
        account.state.put("discount", discount, owner=customer, label=subscription, created=now)
        account.emit("customer.discount.created", discount)
        return discount

    def redeemed(self, subscription: Object, given: list[dict[str, Any]]) -> list[str]:
        """The ids of the discounts that `given` names: those to keep, and what is redeemed anew.

        Raises StripeError 400 as `chosen` does, or for a discount that the subscription does not have.
        """
        kept = [each["discount"] for each in given if "discount" in each]
        if unknown := set(kept) - set(subscription["discounts"]):
            raise missing("discount", min(unknown), param="discounts", status=400)
        items = subscription["items"]["data"]
        amount = sum((item["price"]["unit_amount"] or 0) * (item["quantity"] or 1) for item in items)
        customer, new = subscription["customer"], [each for each in given if "discount" not in each]
        choices = self.chosen(new, customer, amount, subscription["currency"])
        for choice in choices:
            refuse_unless_covered(choice.coupon, [item["price"]["product"] for item in items])
        return kept + [self.redeem(each, customer, subscription=subscription["id"])["id"] for each in choices]

    # -- applying --------------------------------------------------------------------------------

    def net(self, amounts: list[int], subscription: Object, products: list[str | None]) -> list[int]:
        """What the subscription's discounts would leave of these amounts; nothing is used up."""
        taken = reductions(amounts, self._live(subscription)[1], products)
        return [amount - sum(shares) for amount, *shares in zip(amounts, *taken, strict=True)]

    def _live(self, subscription: Object) -> tuple[list[Object], list[Object]]:
        """The subscription's discounts whose time is not over, and their coupons."""
        account = self._account
        held = [account.find("discount", id) for id in subscription["discounts"]]
        live = [each for each in held if each and (each["end"] is None or each["end"] > account.now())]
        return live, [account.find("coupon", each["source"]["coupon"]) or {} for each in live]

    def reduce(self, lines: list[Object], subscription: Object) -> list[Object]:
        """Take the subscription's discounts off the lines of its next invoice.

        A discount whose time is over is dropped; one of duration `once` goes with the first invoice over
        something. The caller stores the subscription. Returns the invoice's `total_discount_amounts`.
        """
        live, coupons = self._live(subscription)
        amounts = [line["amount"] if line["discountable"] else 0 for line in lines]
        products = [((line["pricing"] or {}).get("price_details") or {}).get("product") for line in lines]
        taken = reductions(amounts, coupons, products)
        for line, shares in zip(lines, zip(*taken, strict=True), strict=False):
            line["discount_amounts"] = [
                {"amount": share, "discount": each["id"]} for each, share in zip(live, shares, strict=True)
            ]
        if sum(amounts):
            kept = zip(live, coupons, strict=True)
            live_on = [each["id"] for each, coupon in kept if coupon["duration"] != "once"]
            subscription["discounts"] = live_on
        return [
            {"amount": sum(shares), "discount": each["id"]} for each, shares in zip(live, taken, strict=True)
        ]
