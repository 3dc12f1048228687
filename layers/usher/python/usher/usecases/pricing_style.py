"""How the pricing page looks: one sheet, light and dark, narrow and wide; its switch needs no script."""

import base64
import hashlib

_SHEET = """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #1b2430; --soft: #4a5665;
  --line: #d5dbe3; --act: #1f4fb8; --on-act: #fff; --good: #0b6b3a; --mark: #e8effd }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161c; --card: #1c232c; --text: #eef2f6; --soft: #b4c0cd;
  --line: #3a4653; --act: #8ab4ff; --on-act: #0d1a33; --good: #7fdca5; --mark: #1f3050 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1rem 4rem }
h1 { margin: 0 0 1.5rem; font-size: 2rem; line-height: 1.2; text-align: center }
a { color: var(--act) }
:focus-visible { outline: 3px solid var(--act); outline-offset: 3px }
fieldset { display: flex; flex-wrap: wrap; gap: 0 1.5rem; width: fit-content; margin: 0 auto;
  padding: 0 1.25rem .25rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card) }
legend { padding: 0 .4rem; color: var(--soft); font-size: .9rem }
label { display: inline-flex; align-items: center; gap: .5rem; min-height: 2.75rem; cursor: pointer }
input { width: 1.2rem; height: 1.2rem; margin: 0; accent-color: var(--act) }
.promo { max-width: 44rem; margin: 0 auto 1rem; padding: .6rem 1rem; border-radius: .6rem;
  background: var(--mark); text-align: center }
.plans { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15.5rem, 100%), 1fr));
  gap: 1rem; margin: 1.5rem 0; padding: 0; list-style: none }
.plan { display: flex; flex-direction: column; padding: 1.5rem; border: 1px solid var(--line);
  border-radius: .8rem; background: var(--card) }
.plan:has(.current) { border-color: var(--act); box-shadow: 0 0 0 1px var(--act) }
.plan h2 { margin: 0; font-size: 1.25rem }
.plan p { margin: .25rem 0 }
.plan ul { flex: 1; margin: 1rem 0 1.5rem; padding-left: 1.1rem }
.soft { color: var(--soft) }
.good { color: var(--good); font-weight: 600 }
.price { font-size: 1.3rem; font-weight: 650; line-height: 1.3 }
.choose, .plan .current { display: block; margin: 0; padding: .7rem 1rem; border: 1px solid var(--act);
  border-radius: .5rem; font-weight: 600; text-align: center }
.choose { background: var(--act); color: var(--on-act); text-decoration: none }
.choose:hover { text-decoration: underline }
.plan .current { background: var(--mark) }
nav { text-align: center }
nav a, nav b { display: inline-block; padding: .6rem }
@supports selector(:has(*)) {
  main:has(#by-month:checked) .year:not(.month),
  main:has(#by-year:checked) .month:not(.year) { display: none } }
"""
STYLE = " ".join(_SHEET.split())
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "referrer-policy": "no-referrer",  # the address may hold a mark
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
}
