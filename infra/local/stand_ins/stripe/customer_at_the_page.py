"""`POST /_control/pay`: what a customer does on a page, for tests and walkthroughs that have no browser."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from infra.local.stand_ins.http import Request
from infra.local.stand_ins.stand_in import Handler, as_answer
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.checkout_payment import CheckoutPayment
from infra.local.stand_ins.stripe.invoices import Invoices

_PAGES = {
    "link": ("POST /pay/{id}", "payment_link"),
    "session": ("POST /checkout/{id}", "checkout.session"),
    "invoice": ("POST /invoice/{id}", "invoice"),
}
_TYPED = ("payment_method", "email", "name", "phone", "promotion_code")
MOST_TIMES = 100


class CustomerAtThePage:
    """Posts the hosted pages' forms.

    Args:
        pages: the pages' handlers by operation.
    """

    def __init__(
        self,
        account: Account,
        pages: Mapping[str, Handler],
        payment: CheckoutPayment,
        invoices: Invoices,
    ) -> None:
        self._account, self._pages = account, pages
        self._payment, self._invoices = payment, invoices

    def pay(self, request: Request) -> Any:
        """`{"link" | "session" | "invoice": id or url, "times"?, …what is typed}` → one result per time.

        A result has the page's `status` (200; 402 declined; 410 no longer payable) and its `title`, and the
        session or invoice as it is then. Raises LookupError for an id that nothing has.
        """
        order = request.json()
        target = next((name for name in _PAGES if name in order), None)
        if target is None:
            raise LookupError("name what is paid: link, session or invoice")
        unknown = order.keys() - {target, "times", "client_reference_id", *_TYPED}
        if unknown:
            raise LookupError(f"unknown field {min(unknown)}")
        times = int(order.get("times", 1))
        if not 1 <= times <= MOST_TIMES:
            raise ValueError(f"times is 1 to {MOST_TIMES}")
        with self._account.state.transaction():
            return {"results": [self._once(target, order) for _ in range(times)]}

    def waited_for(self, order: dict[str, Any]) -> str:
        """The id of the intent that the order's `session` or `invoice` waits for the bank with.

        Raises LookupError when it waits for none.
        """
        target = "session" if "session" in order else "invoice"
        id = _id(order[target])
        held = self._account.need(_PAGES[target][1], id)
        waiting = (
            self._payment.waits_for_bank(held) if target == "session" else self._invoices.intent_of(held)
        )
        if waiting is None:
            raise LookupError(f"{target} {id} does not wait for the bank")
        found: str = waiting["id"]
        return found

    def _once(self, target: str, order: dict[str, Any]) -> Any:
        operation, kind = _PAGES[target]
        address, id = urlsplit(order[target]), _id(order[target])
        if self._account.find(kind, id) is None:
            raise LookupError(f"there is no {target} {id}")
        query = address.query
        if "client_reference_id" in order:
            query = urlencode({"client_reference_id": order["client_reference_id"]})
        typed = urlencode({name: order[name] for name in _TYPED if name in order})
        request = Request("POST", address.path, query, body=typed.encode(), path_params={"id": id})
        answer = as_answer(self._pages[operation](request))
        title = answer.body.decode().partition("<title>")[2].partition("</title>")[0]
        return {"status": answer.status, "title": title, "now": self._state_of(kind, id)}

    def _state_of(self, kind: str, id: str) -> Any:
        """The invoice or session; of a link, the newest session it opened."""
        if kind == "payment_link":
            return self._account.state.find("checkout.session", id)
        return self._account.find(kind, id)


def _id(id_or_url: str) -> str:
    return urlsplit(id_or_url).path.rstrip("/").rpartition("/")[2]
