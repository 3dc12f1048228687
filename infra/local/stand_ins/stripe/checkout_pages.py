"""The pages of Checkout Sessions and Payment Links: looking changes nothing, posting pays."""

from html import escape

from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler, Refusal
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.checkout_payment import CheckoutPayment
from infra.local.stand_ins.stripe.line_items import LineItems
from infra.local.stand_ins.stripe.pages import (
    form_of,
    lines,
    money,
    page,
    paragraph,
    payment_method_field,
    text_field,
)
from infra.local.stand_ins.stripe.payment_links import PaymentLinks

GONE, DECLINED = 410, 402


class CheckoutPages:
    """`/checkout/{id}` of a session and `/pay/{id}` of a link."""

    def __init__(
        self, account: Account, items: LineItems, payment: CheckoutPayment, links: PaymentLinks
    ) -> None:
        self._account, self._items, self._payment, self._links = account, items, payment, links

    def routes(self) -> dict[str, Handler]:
        """Routes of the pages; they ask for no key."""
        return {
            "GET /checkout/{id}": self._show_session,
            "POST /checkout/{id}": self._pay_session,
            "GET /pay/{id}": self._show_link,
            "POST /pay/{id}": self._pay_link,
        }

    # -- sessions --------------------------------------------------------------------------------

    def _show_session(self, request: Request) -> Answer:
        session = self._account.find("checkout.session", request.path_params["id"])
        return self._session_page(session) if session else _nothing()

    def _pay_session(self, request: Request) -> Answer:
        session = self._account.find("checkout.session", request.path_params["id"])
        if session is None:
            return _nothing()
        if session["status"] != "open" or self._bank_asks(session):
            return self._session_page(session)
        return self._pay(session, form_of(request))

    def _pay(self, session: Object, form: dict[str, str]) -> Answer:
        try:
            paid = self._payment.pay(session, form)
        except Refusal as refusal:
            fresh = self._account.need("checkout.session", session["id"])
            return self._session_page(fresh, refusal.answer.json()["error"]["message"], DECLINED)
        if notice := self.refusal(paid):
            return self._session_page(paid, notice, DECLINED)
        return self._after(paid)

    def refusal(self, session: Object) -> str:
        """Why the last try left the session open without the bank asking anything; else empty."""
        intent = self._account.find("payment_intent", session["payment_intent"])
        if session["status"] != "open" or intent is None or not intent["last_payment_error"]:
            return ""
        return str(intent["last_payment_error"]["message"]) if intent["status"] != "requires_action" else ""

    def _after(self, session: Object) -> Answer:
        if session["status"] == "open":
            return self._session_page(session)
        title = (
            "Thank you" if session["payment_status"] != "unpaid" else "Thank you: your payment is on its way"
        )
        return page(title, self._way_back(session))

    def _session_page(self, session: Object, notice: str = "", status: int = 200) -> Answer:
        if session["status"] == "complete":
            text = paragraph("You have paid already; nothing more is due here.")
            return page("This checkout is complete", text + self._way_back(session), GONE)
        if session["status"] == "expired":
            text = paragraph("Ask the shop for a new link.") + _link(
                session["cancel_url"], "Back to the shop"
            )
            return page("This checkout has expired", text, GONE)
        body = paragraph(notice) + self._content(self._items.of(session["id"]), session["custom_text"])
        if url := self._bank_asks(session):
            return page("Your bank asks you to confirm this payment", body + _link(url, "Go to your bank"))
        body += _form(session, session["customer_email"] or "", known=bool(session["customer"]))
        return page(_title(session["amount_total"], session["currency"]), body, status)

    def _bank_asks(self, session: Object) -> str | None:
        """The bank's page while it waits for the customer's answer."""
        waiting = self._payment.waits_for_bank(session)
        return str(waiting["next_action"]["redirect_to_url"]["url"]) if waiting else None

    def _way_back(self, session: Object) -> str:
        url = (session["success_url"] or "").replace("{CHECKOUT_SESSION_ID}", session["id"])
        after = (session["custom_text"]["after_submit"] or {}).get("message", "")
        return paragraph(after) + _link(url, "Back to the shop")

    def _content(self, items: list[Object], custom_text: Object) -> str:
        text = (custom_text["submit"] or {}).get("message", "")
        return lines(items, "amount_total") + paragraph(text)

    # -- links -----------------------------------------------------------------------------------

    def _show_link(self, request: Request) -> Answer:
        link = self._account.find("payment_link", request.path_params["id"])
        if link is None:
            return _nothing()
        if not link["active"]:
            return _inactive(link)
        items = self._items.of(link["id"])
        body = self._content(items, link["custom_text"])
        body += _form(link, request.query.get("prefilled_email", ""), known=False)
        return page(_title(sum(item["amount_total"] for item in items), link["currency"]), body)

    def _pay_link(self, request: Request) -> Answer:
        link = self._account.find("payment_link", request.path_params["id"])
        if link is None:
            return _nothing()
        if not link["active"]:
            return _inactive(link)
        query, form = request.query, form_of(request)
        form["email"] = form.get("email") or query.get("prefilled_email", "")
        return self._pay(self._links.open_session(link, query.get("client_reference_id")), form)


def _form(value: Object, email: str, *, known: bool) -> str:
    """What the customer fills in; who is known need not say who they are."""
    fields = payment_method_field()
    if not known:
        fields += text_field("email", "E-mail", email) + text_field("name", "Name", None)
    if value["allow_promotion_codes"]:
        fields += text_field("promotion_code", "Promotion code", None)
    if value["phone_number_collection"]["enabled"]:
        fields += text_field("phone", "Phone", None)
    return f"<form method='post'>{fields}<button>Pay</button></form>"


def _title(amount: int | None, currency: str | None) -> str:
    return f"Pay {money(amount, currency)}" if amount and currency else "Nothing to pay today"


def _link(url: str | None, text: str) -> str:
    return f"<p><a href='{escape(url, quote=True)}'>{escape(text)}</a></p>" if url else ""


def _inactive(link: Object) -> Answer:
    told = link["inactive_message"] or "Ask the shop for a new one."
    return page("This link is no longer active", paragraph(told), GONE)


def _nothing() -> Answer:
    return page("Nothing to pay here", paragraph("The link is not complete, or it was mistyped."), 404)
