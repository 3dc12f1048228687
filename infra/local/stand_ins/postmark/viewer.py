"""Pages on which a person reads the mails the stand-in took."""

import html
from typing import Any

from infra.local.stand_ins.http import Answer

_STYLE = "body{font:15px system-ui;margin:2rem}td,th{padding:.3rem .8rem;text-align:left}\
iframe{width:100%;height:32rem;border:1px solid #ccc}pre{white-space:pre-wrap;background:#f6f6f6}"


def listing(messages: list[dict[str, Any]]) -> Answer:
    """Recipient, subject and tag of each mail, newest first."""
    rows = "".join(
        f"<tr><td>{_e(m['ReceivedAt'])}<td>{_e(', '.join(m['Recipients']))}<td>"
        f'<a href="/messages/{_e(m["MessageID"])}">{_e(m["Subject"])}</a><td>{_e(m["Tag"] or "")}'
        for m in messages
    )
    head = "<tr><th>Received<th>To<th>Subject<th>Tag"
    return _page("Mails", f"<table>{head}{rows}</table>" if rows else "<p>No mail yet.</p>")


def message(value: dict[str, Any]) -> Answer:
    """One mail. Its HTML is shown in a sandbox, where scripts do not run."""
    facts = {
        "From": value["From"],
        "To": ", ".join(value["Recipients"]),
        "Stream": value["MessageStream"],
        "Tag": value["Tag"] or "",
        **(value["Metadata"] or {}),
    }
    rows = "".join(f"<tr><th>{_e(name)}<td>{_e(text)}" for name, text in facts.items())
    body = f'<p><a href="/">All mails</a></p><table>{rows}</table>'
    if value.get("HtmlBody"):
        body += f'<iframe sandbox srcdoc="{_e(value["HtmlBody"])}"></iframe>'
    if value.get("TextBody"):
        body += f"<pre>{_e(value['TextBody'])}</pre>"
    return _page(value["Subject"], body)


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)


def _page(title: str, body: str) -> Answer:
    page = f"<!doctype html><meta charset=utf-8><title>{_e(title)}</title><style>{_STYLE}</style>"
    return Answer(
        200, f"{page}<h1>{_e(title)}</h1>{body}".encode(), {"content-type": "text/html; charset=utf-8"}
    )
