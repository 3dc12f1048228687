"""A browser without a picture: opens pages, fills in their form as a person would, follows its links."""

import html
import re
from urllib.parse import urlencode

import urllib3


class Browser:
    """One person's browser.

    Attributes:
        status, text: of the page that is open.
    """

    def __init__(self) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        self.url, self.status, self.text = "", 0, ""

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        return html.unescape(found.group(1).strip()) if found else ""

    def open(self, url: str) -> "Browser":
        answer = self._http.request("GET", url)
        self.url, self.status, self.text = url, answer.status, answer.data.decode()
        return self

    def submit(self, **typed: str) -> "Browser":
        """Press the button of the page's form; what is typed must be a field or a button of it."""
        assert re.search(r"<form method=['\"]post['\"]", self.text), f"{self.url} has no form: {self.text}"
        names = set(re.findall(r"name=['\"](\w+)['\"]", self.text))
        assert typed.keys() <= names, f"the form has {names}, not {typed.keys() - names}"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self._http.request("POST", self.url, body=urlencode(typed), headers=headers)
        self.status, self.text = answer.status, answer.data.decode()
        return self

    def follow(self, text: str) -> "Browser":
        """Click the link of this text."""
        found = re.search(rf"<a href=['\"]([^'\"]+)['\"]>{re.escape(text)}</a>", self.text)
        assert found, f"{self.url} has no link {text!r}: {self.text}"
        return self.open(html.unescape(found.group(1)))
