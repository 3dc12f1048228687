"""The few pages a customer sees from us: plain HTML, no script, for screen readers and phones alike."""

from html import escape

from usher.ports.http import Answer

_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",  # the address holds a token
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
}
_STYLE = (
    "body{margin:0;padding:2rem 1rem;background:#f5f6f8;color:#1f2933;font:1.05rem/1.5 system-ui,sans-serif}"
    "main{max-width:32rem;margin:10vh auto 0;padding:2rem;background:#fff;border-radius:.5rem}"
    "h1{margin:0 0 .75rem;font-size:1.4rem}"
    "button,a.button{display:inline-block;padding:.75rem 1.25rem;border:0;border-radius:.4rem;"
    "background:#2457c5;color:#fff;font:inherit;text-decoration:none;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:3px solid #f0b429;outline-offset:2px}"
)


def page(
    status: int, title: str, text: str, *, button: str | None = None, link: tuple[str, str] | None = None
) -> Answer:
    """A page with a heading and a sentence.

    `button` posts to the page's own address; `link` is (text, address).
    """
    action = f"<form method='post'><button>{escape(button)}</button></form>" if button else ""
    if link is not None:
        action += f"<p><a class='button' href='{escape(link[1])}'>{escape(link[0])}</a></p>"
    return document(status, title, f"<p>{escape(text)}</p>{action}")


def document(status: int, title: str, content: str) -> Answer:
    """A page with a heading and `content`, which is HTML."""
    body = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Answer(status, body, _HEADERS, "text/html; charset=utf-8")
