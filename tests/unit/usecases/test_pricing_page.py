"""The pricing page as the public and an account see it, and the link that marks an account's plan (C12)."""

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.operations.api import handler
from tests.fakes.api import Context, api_event, call
from tests.fakes.steps import run, run_until
from tests.fakes.world import PUBLIC_URL, World
from usher.domain import signed_links
from usher.usecases.pricing_style import STYLE


def answer(**query: str) -> dict[str, Any]:
    found: dict[str, Any] = handler(api_event("GET", "/pricing", role=None, query=query), Context())
    assert found["statusCode"] == 200, found
    return found


def shown(**query: str) -> str:
    return str(answer(**query)["body"])


def header(found: dict[str, Any], name: str) -> str:
    return {key.lower(): str(value) for key, value in found["headers"].items()}[name]


@pytest.fixture
def account_id(world: World) -> str:
    id = run_until(world, "activate_account", world.given_signup(plan="pro-yearly")).account_id
    assert id is not None
    return id


def link_of(account_id: str) -> dict[str, str]:
    """The query of the account's own link."""
    status, made = call("POST", "/v1/pricing-links", {"account_id": account_id}, role="product")
    assert status == 201, made
    assert made["url"].startswith(f"{PUBLIC_URL}/pricing?")
    return {name: values[0] for name, values in parse_qs(urlsplit(made["url"]).query).items()}


class Outline(HTMLParser):
    """The page's tags with their attributes, and whether each is closed."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_yearly_price_tells_what_it_is_per_month_and_what_it_saves(world: World) -> None:
    page = shown()
    assert "490.00 USD a year" in page and "40.84 USD a month, paid yearly" in page
    assert "You save 98.00 USD (16&nbsp;%)" in page


def test_the_toggle_and_all_else_work_without_scripts(world: World) -> None:
    outline = Outline(shown())
    names = [tag for tag, _ in outline.tags]
    assert outline.open == [] and "script" not in names
    assert not any(name.startswith("on") for _, attrs in outline.tags for name in attrs)
    radios = [attrs for tag, attrs in outline.tags if tag == "input"]
    assert [(each["type"], each["name"], "checked" in each) for each in radios] == [
        ("radio", "interval", True),
        ("radio", "interval", False),
    ]
    assert (names.count("main"), names.count("h1"), names.count("legend"), names.count("nav")) == (1, 1, 1, 1)
    assert names.count("label") == 2
    assert ("html", {"lang": "en"}) in outline.tags


def test_the_address_says_which_interval_comes_first(world: World) -> None:
    assert "id='by-year' checked" in shown(interval="year")


def test_the_browser_is_told_to_run_nothing_and_to_show_it_nowhere_else(world: World) -> None:
    found = answer()
    (style,) = re.findall(r"<style>(.*?)</style>", str(found["body"]))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(r.strip().partition(" ")[::2] for r in header(found, "content-security-policy").split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_other_currencies_are_a_link_away_and_go_on_to_the_checkout(world: World) -> None:
    assert "href='/pricing?client_reference_id=acc_ada&amp;currency=eur'" in shown(
        client_reference_id="acc_ada"
    )
    page = shown(currency="eur")
    assert "45.00 EUR a month" in page and "990.00 USD a month" in page
    assert "?plan=pro-monthly&amp;currency=eur'" in page and "?plan=enterprise'" in page
    assert shown(currency="xyz") == shown()


def test_a_code_shows_what_it_takes_off_and_goes_on_to_the_checkout(world: World) -> None:
    plain = shown()
    assert "WELCOME20: 20 % off Starter for 3 months, for new customers." in plain
    assert "at first" not in plain
    page = shown(promo="welcome20")
    assert "15.20 USD at first, with WELCOME20" in page
    assert "?plan=starter-monthly&amp;promo=WELCOME20'" in page and "?plan=pro-monthly'" in page
    assert shown(promo="NOTHING") == plain


@pytest.mark.parametrize("field", ["client_reference_id", "currency", "promo", "mark", "interval"])
def test_what_is_no_value_of_a_field_is_refused_and_never_shown(world: World, field: str) -> None:
    query = {field: "'><script>alert(1)</script>"}
    status, problem = call("GET", "/pricing", role=None, query=query)
    assert (status, [each["field"] for each in problem["errors"]]) == (400, [field])
    assert "<script>" not in str(problem)


def test_an_account_s_own_link_marks_its_plan(world: World, account_id: str) -> None:
    found = answer(**link_of(account_id))
    page = str(found["body"])
    assert page.count("aria-current='true'>Your plan") == 1
    assert "plan=pro-yearly&amp;" not in page  # which has no button any more
    assert f"?plan=pro-monthly&amp;client_reference_id={account_id}'" in page
    assert header(found, "cache-control") == "private, no-store"


def test_what_is_everybody_s_may_be_kept(world: World) -> None:
    assert header(answer(), "cache-control") == "public, max-age=300"


def test_nobody_learns_an_account_s_plan_from_its_id(world: World, account_id: str) -> None:
    assert "Your plan" not in shown(client_reference_id=account_id)


@pytest.mark.parametrize(
    "change", ["another account", "no account", "made up", "another purpose", "too late"]
)
def test_a_mark_that_is_not_this_account_s_marks_nothing(world: World, account_id: str, change: str) -> None:
    query = link_of(account_id)
    ends = int((world.clock.wall() + timedelta(days=9)).timestamp())
    if change == "another account":
        query["client_reference_id"] = "acc_bob"
    elif change == "no account":
        del query["client_reference_id"]
    elif change == "made up":
        query["mark"] = signed_links.sign(f"pricing#{account_id}#pro-yearly#{ends}", "a guess")
    elif change == "another purpose":
        secret = world.secrets.get("link_signing")
        query["mark"] = signed_links.sign(f"offer#{account_id}#pro-yearly#{ends}", secret)
    else:
        world.clock.advance(timedelta(days=1).total_seconds())
    assert "Your plan" not in shown(**query)


def test_a_link_survives_a_rotation_of_the_secret(world: World, account_id: str) -> None:
    query = link_of(account_id)
    world.secrets.rotate("link_signing", "a newer one")
    assert "Your plan" in shown(**query)


def test_an_account_without_a_plan_and_one_that_is_none(world: World) -> None:
    signup = world.given_signup(payment_method=None, trial=False)
    assert run(world, "register_signup", signup) == "pay"
    account_id = world.signups.get(signup.signup_id).account_id
    assert link_of(str(account_id)) == {"client_reference_id": account_id}
    assert call("POST", "/v1/pricing-links", {"account_id": "acc_nobody"}, role="product")[0] == 404


def test_the_plans_as_json_tell_their_products_limits_and_currencies(world: World) -> None:
    _, body = call("GET", "/v1/plans", role=None)
    items = {item["plan"]: item for item in body["items"]}
    pro = items["pro-yearly"]
    assert (pro["product"]["key"], pro["currencies"], pro["monthly_equivalent_minor"]) == (
        "pro",
        {"eur": 45000},
        4084,
    )
    assert pro["limits"] == {"api_calls": {"most": 1_200_000, "hard": False}}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of `#rgb` or `#rrggbb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *(("text", ground) for ground in ("page", "card", "mark")),
        *(("soft", ground) for ground in ("page", "card")),
        *(("act", ground) for ground in ("page", "card", "mark")),
        ("good", "card"),
        ("on-act", "act"),
    ],
)
def test_text_can_be_read_in_both_schemes(scheme: str, text: str, ground: str) -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in STYLE.split("@media")[:2])
    colours = light if scheme == "light" else dark
    lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
