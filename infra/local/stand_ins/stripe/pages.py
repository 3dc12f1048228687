"""What the hosted pages share: one plain HTML frame without script, forms with the test payment methods."""

from html import escape
from typing import Any
from urllib.parse import parse_qs

from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stripe.cards import TEST_METHODS

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body style="font:16px sans-serif;max-width:32rem;margin:4rem auto"><h1>{title}</h1>{body}</body></html>"""


def page(title: str, body: str, status: int = 200) -> Answer:
    """An HTML answer; `title` is text, `body` is HTML."""
    text = _PAGE.format(title=escape(title), body=body)
    return Answer(status, text.encode(), {"content-type": "text/html; charset=utf-8"})


def paragraph(text: str) -> str:
    """`text` as an HTML paragraph, nothing when empty."""
    return f"<p>{escape(text)}</p>" if text else ""


def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form, of a repeated name the first one."""
    fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def payment_method_field() -> str:
    """A choice of the test payment methods."""
    options = "".join(f"<option>{name}</option>" for name in TEST_METHODS)
    return f"<p><label>Pay with <select name='payment_method'>{options}</select></label></p>"


def text_field(name: str, label: str, value: str | None) -> str:
    """A labelled text input."""
    shown = escape(value or "", quote=True)
    return f"<p><label>{escape(label)} <input name='{name}' value='{shown}'></label></p>"


def money(amount: int, currency: str) -> str:
    """Minor units for people to read: `29.00 USD`, `500 JPY`."""
    if currency in ZERO_DECIMAL:
        return f"{amount} {currency.upper()}"
    return f"{amount / 100:.2f} {currency.upper()}"


def lines(entries: list[dict[str, Any]], amount: str) -> str:
    """Line items or invoice lines as an HTML list; `amount` names the field to show."""
    shown = [f"{entry['description']}: {money(entry[amount], entry['currency'])}" for entry in entries]
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in shown)}</ul>"


# docs.stripe.com/currencies#zero-decimal
ZERO_DECIMAL = frozenset(
    (
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
)
