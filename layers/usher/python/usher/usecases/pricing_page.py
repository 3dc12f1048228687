"""GET /pricing: the plans beside each other, by the month and by the year, and what a code takes off.

Row C12 of docs/product.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import ConfigDict, StringConstraints

from usher.domain import money, pricing
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import Interval, PlanCatalog
from usher.domain.pricing import Choice, OfferedProduct
from usher.domain.promos import Promo
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.ports.secrets import Secrets
from usher.usecases.fields import Body
from usher.usecases.plan_pages import MAX_AGE, Reference, on_sale
from usher.usecases.pricing_links import Marked, marked
from usher.usecases.pricing_style import HEADERS, STYLE


class PricingQuery(Body):
    """Whose page it is goes on to the checkout; whatever else an address carries is nobody's concern here.

    `mark` is what a link of POST /v1/pricing-links carries. A currency or a code that is none shows the page
    as it is without.
    """

    model_config = ConfigDict(extra="ignore")

    client_reference_id: Reference | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] | None = None
    interval: Literal["month", "year"] = "month"
    promo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,40}$")] | None = None
    mark: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,500}$")] | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    """What one showing of the page depends on."""

    plans: PlanCatalog
    product_url: str
    query: PricingQuery
    who: Marked | None
    promo: tuple[str, Promo] | None
    currency: str
    today: date

    def address(self, **changes: str | None) -> str:
        """This page again, with changes, ready to stand in an attribute."""
        kept = self.query.model_dump(exclude_none=True, exclude_defaults=True) | changes
        query = urlencode({name: value for name, value in kept.items() if value is not None})
        return escape(f"/pricing?{query}" if query else "/pricing")


def pricing_page(
    query: PricingQuery, *, plans: PlanCatalog, policy: OnboardingPolicy, secrets: Secrets, clock: Clock
) -> Answer:
    """The page. Who came by a link of ours finds the plan marked that the account has."""
    code, today = (query.promo or "").upper(), clock.now().date()
    promo = plans.promos.get(code)
    if promo is not None and not any(pricing.applies(promo, key, today=today) for key in on_sale(plans)):
        promo = None
    others = {name for plan in plans.plans.values() for name in plan.currencies}
    query = query.model_copy(
        update={
            "promo": code if promo else None,
            "currency": query.currency if query.currency in others else None,
        }
    )
    page = _Page(
        plans=plans,
        product_url=policy.product_url.rstrip("/"),
        query=query,
        who=marked(query.mark, query.client_reference_id, secrets=secrets, clock=clock),
        promo=(code, promo) if promo else None,
        currency=query.currency or plans.currency,
        today=today,
    )
    body = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>Plans and prices</title><style>{STYLE}</style></head><body><main>"
        f"<h1>Plans and prices</h1>{_content(page, sorted({plans.currency, *others}))}</main></body></html>"
    )
    # Kept by nobody when it says what somebody has.
    kept = "private, no-store" if query.mark else f"public, max-age={MAX_AGE}"
    return Answer(200, body, {**HEADERS, "cache-control": kept}, "text/html; charset=utf-8")


def _content(page: _Page, currencies: list[str]) -> str:
    products = pricing.offered(page.plans, on_sale(page.plans), page.currency)
    saved = max((each.savings.percent for each in products if each.savings), default=0)
    by_year = f"By the year{f', up to {saved} % less' if saved else ''}"
    switch = "".join(
        f"<label><input type='radio' name='interval' id='by-{interval}'"
        f"{' checked' if page.query.interval == interval else ''}>{text}</label>"
        for interval, text in (("month", "By the month"), ("year", by_year))
    )
    cards = "".join(f"<li class='plan'>{_card(each, page)}</li>" for each in products)
    return (
        f"{''.join(_promos(page))}<fieldset><legend>How you pay</legend>{switch}</fieldset>"
        f"<ul class='plans'>{cards}</ul>{_currencies(page, currencies)}"
    )


def _promos(page: _Page) -> Iterator[str]:
    """What is taken off: the code that the address names, else those that everybody is told of."""
    told = [page.promo] if page.promo else [each for each in page.plans.promos.items() if each[1].shown]
    for code, promo in told:
        if not any(pricing.applies(promo, key, today=page.today) for key in on_sale(page.plans)):
            continue
        off = f"{promo.percent_off} %"
        if promo.amount_off_minor is not None:
            off = money.text(promo.amount_off_minor, page.plans.currency)
        products = dict.fromkeys(page.plans.product_of(key)[1].name for key in promo.plans)
        what = f" {' and '.join(products)}" if products else " every plan"
        long = {"once": ", once", "forever": ""}.get(str(promo.months), f" for {promo.months} months")
        new = ", for new customers" if promo.new_customers_only else ""
        until = f", until {promo.last_day.isoformat()}" if promo.last_day else ""
        text = escape(f"{code}: {off} off{what}{long}{new}{until}.")
        link = "" if page.promo else f" <a href='{page.address(promo=code)}'>Use this code</a>"
        yield f"<p class='promo'>{text}{link}</p>"


def _card(offered: OfferedProduct, page: _Page) -> str:
    product = offered.product
    about = f"<p class='soft'>{escape(product.description)}</p>" if product.description else ""
    features = "".join(f"<li>{escape(each)}</li>" for each in product.features)
    alone = len(offered.by_interval) == 1
    prices, choices = "", ""
    for interval, choice in offered.by_interval.items():
        shown = "month year" if alone else interval
        prices += f"<div class='{shown}'>{_price(choice, interval, offered, page)}</div>"
        choices += f"<div class='{shown}'>{_choose(choice, page)}</div>"
    return f"<h2>{escape(product.name)}</h2>{about}{prices}<ul>{features}</ul>{choices}"


def _price(choice: Choice, interval: Interval, offered: OfferedProduct, page: _Page) -> str:
    def told(minor: int) -> str:
        return escape(money.text(minor, choice.currency))

    if not choice.plan.is_paid:
        return "<p class='price'>free of charge</p>"
    lines = [f"<p class='price'>{told(choice.amount_minor)} a {interval}</p>"]
    if interval == "year":
        monthly = told(pricing.monthly_equivalent(choice.amount_minor))
        lines.append(f"<p class='soft'>{monthly} a month, paid yearly</p>")
        if savings := offered.savings:
            lines.append(f"<p class='good'>You save {told(savings.minor)} ({savings.percent}&nbsp;%)</p>")
    if page.promo and pricing.applies(page.promo[1], choice.key, today=page.today):
        first = pricing.reduced(choice, page.promo[1], page.plans.currency)
        if first is not None:
            lines.append(f"<p class='good'>{told(first)} at first, with {escape(page.promo[0])}</p>")
    if choice.plan.admission == "review":
        lines.append("<p class='soft'>We look at each request first</p>")
    if choice.plan.trial_days:
        lines.append(f"<p class='soft'>{choice.plan.trial_days} days to try</p>")
    return "".join(lines)


def _choose(choice: Choice, page: _Page) -> str:
    if page.who and page.who.plan == choice.key:
        return "<p class='current' aria-current='true'>Your plan</p>"
    wanted = {"plan": choice.key}
    if reference := page.who.account_id if page.who else page.query.client_reference_id:
        wanted["client_reference_id"] = reference
    if choice.currency != page.plans.currency:
        wanted["currency"] = choice.currency
    if page.promo and pricing.applies(page.promo[1], choice.key, today=page.today):
        wanted["promo"] = page.promo[0]
    address = escape(f"{page.product_url}/?{urlencode(wanted)}")
    return f"<a class='choose' href='{address}'>Choose {escape(choice.plan.name)}</a>"


def _currencies(page: _Page, currencies: list[str]) -> str:
    if len(currencies) < 2:
        return ""
    links = ""
    for name in currencies:
        if name == page.currency:
            links += f"<b aria-current='true'>{name.upper()}</b>"
        else:
            address = page.address(currency=None if name == page.plans.currency else name)
            links += f"<a href='{address}'>{name.upper()}</a>"
    return f"<nav aria-label='Currency'>{links}</nav>"
