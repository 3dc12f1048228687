"""The ledger beside a whole Usher: two customers' money of forty days adds up (in time that jumps) (C8)."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local import simulation
from infra.local.signed_posts import sign
from infra.local.simulation import SECRET, START, Simulation
from infra.local.simulation.webhooks import Webhooks

STRIPE_SECRET = "whsec_simulation"
REPORT = "/v1/reports/ledger/trial-balance.csv"
TOKENS = {"of-billing": "billing", "of-product": "product"}


class Company:
    """Its customers sign up; its operators look and pay back."""

    def __init__(self, time: Simulation) -> None:
        self.time = time
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        Webhooks(time, secret=STRIPE_SECRET, post=self._deliver, seed=7, twice=0.3)

    def _deliver(self, body: bytes, signature: str) -> int:
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        url = f"{self.time.usher.url}/webhooks/stripe"
        return int(self._http.request("POST", url, body=body, headers=headers).status)

    def sign_up(self, name: str, plan: str) -> str:
        data = {"email": f"{name}@example.com", "name": name, "company": {"name": "Inc"}, "plan": plan}
        event = {"type": "signup.completed", "timestamp": "2026-11-20T08:00:00Z"}
        body = json.dumps({**event, "data": {**data, "payment_method": "pm_card_visa"}}).encode()
        signed = sign(SECRET, body, webhook_id=f"msg_{name}", at=self.time.clock.timestamp())
        url = f"{self.time.usher.url}/webhooks/signup"
        answer = self._http.request("POST", url, body=signed.body, headers=signed.headers)
        return str(answer.json()["signup_id"])

    def ask(self, method: str, path: str, body: Any = None, token: str = "of-billing") -> Any:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        answer = self._http.request(method, self.time.usher.url + path, body=sent, headers=headers)
        assert answer.status < 300, answer.data
        return answer.json() if "json" in answer.headers["content-type"] else answer.data.decode()

    def balances(self) -> dict[str, str]:
        rows = csv.DictReader(io.StringIO(self.ask("GET", REPORT)))
        return {row["account"]: row["balance"] for row in rows}

    def recognize(self) -> None:
        self.time.usher.functions.invoke("reporting/recognize_revenue", {}, wait=True)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    webhooks = {"webhook_url": "http://usher.simulation/webhooks/stripe", "webhook_secret": STRIPE_SECRET}
    with simulation.opened(tmp_path, tokens=TOKENS, webhooks=webhooks, schedules=False) as time:
        yield Company(time)


@pytest.mark.long
def test_what_two_customers_pay_in_forty_days_adds_up(company: Company) -> None:
    signups = [company.sign_up("ada", "starter-monthly"), company.sign_up("bob", "pro-yearly")]
    company.time.pass_to(START + timedelta(minutes=10))
    ada, _ = (company.ask("GET", f"/v1/signups/{id}")["account_id"] for id in signups)
    first = company.balances()
    assert first.pop("deferred_revenue") == "-509.00"
    assert first.pop("total") == "0.00"
    company.time.pass_to(START + timedelta(days=40))
    company.recognize()
    after = company.balances()
    assert (after["receivable"], after.get("unapplied", "0.00"), after["total"]) == ("0.00", "0.00", "0.00")
    assert Decimal(after["revenue"]) + Decimal(after["deferred_revenue"]) == Decimal("-528.00")
    paid = company.ask("GET", f"/v1/accounts/{ada}/payments")["items"]
    assert len(paid) == 2
    company.ask("POST", "/v1/refunds", {"payment_id": paid[0]["payment_id"], "reason": "moved away"})
    company.time.pass_to(START + timedelta(days=41))
    company.time.pass_to(START + timedelta(days=75))
    company.recognize()
    assert company.ask("GET", "/v1/ledger/quarantine")["items"] == []
    end = company.balances()
    assert (end["receivable"], end["total"]) == ("0.00", "0.00")
    statement = company.ask("GET", f"/v1/reports/ledger/statement.csv?account_id={ada}")
    assert "refund.issued" in statement
    assert "revenue.recognized" in statement
