"""The ledger over HTTP: the trial balance, statements, what waits in quarantine, adjustments."""

import csv
import io
from typing import Any

import pytest

from functions.operations.api import handler as api
from functions.operations.file_dead_letter import handler as file_dead_letter
from functions.reporting.post_ledger import handler as post_ledger
from tests.fakes.api import Context, api_event, call
from tests.fakes.ledger import ACCOUNT, Books, invoice, line, payment
from usher.domain.csv_text import csv_text, decimal
from usher.domain.invoice_events import CreditBalanceAdjusted
from usher.domain.payment_events import RefundIssued
from usher.ports.store import Put

MONTH = line(3000, "2025-11-21", "2025-12-21")
TRIAL_BALANCE, STATEMENT = "/v1/reports/ledger/trial-balance.csv", "/v1/reports/ledger/statement.csv"


def rows(path: str, **query: str) -> list[dict[str, str]]:
    answer = api(api_event("GET", path, role="viewer", query=query), Context())
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer["body"])))


def adjustment(**more: Any) -> dict[str, Any]:
    postings = [
        {"account": "revenue", "debit_minor": 500},
        {"account": "adjustments", "credit_minor": 500},
    ]
    return {"account_id": ACCOUNT, "currency": "usd", "postings": postings, "reason": "Billed twice", **more}


def against(**line: Any) -> list[dict[str, Any]]:
    """The line against a credit of one cent."""
    return [line, {"account": "fees", "credit_minor": 1}]


@pytest.fixture
def account(books: Books) -> None:
    item = {"account_id": ACCOUNT, "org_name": "A", "status": "active", "plan": "free"}
    more = {"signup_id": "su_a", "correlation_id": "cor", "created_at": "2025-11-21T12:00:00.000Z"}
    books.world.store.write(Put("accounts", {**item, **more}))


def test_the_trial_balance_has_every_account_and_adds_up(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600), payment(amount_minor=3600, fee_minor=134))
    books.post(invoice("in_2", MONTH, currency="jpy"))
    found = {(row["currency"], row["account"]): row for row in rows(TRIAL_BALANCE)}
    assert {account for currency, account in found if currency == "usd"} == {
        *("cash", "receivable", "deferred_revenue", "tax_payable", "fees", "total")
    }
    assert found["usd", "cash"]["balance"] == "34.66"
    assert found["usd", "deferred_revenue"]["balance"] == "-30.00"
    assert (found["usd", "total"]["debit"], found["usd", "total"]["credit"]) == ("72.00", "72.00")
    assert (found["jpy", "total"]["debit"], found["jpy", "total"]["balance"]) == ("3000", "0")


def test_the_trial_balance_of_a_day_leaves_out_what_came_later(books: Books) -> None:
    books.post(invoice("in_1", MONTH), day="2025-11-20")
    books.post(payment(), day="2025-11-21")
    before = {row["account"]: row["balance"] for row in rows(TRIAL_BALANCE, as_of="2025-11-20")}
    assert before == {"receivable": "30.00", "deferred_revenue": "-30.00", "total": "0.00"}
    assert rows(TRIAL_BALANCE, as_of="2025-11-19") == []


def test_a_statement_has_every_posting_with_the_balance_after_it(books: Books) -> None:
    books.post(invoice("in_1", MONTH), day="2025-11-19")
    books.post(payment(), day="2025-11-21")
    found = rows(STATEMENT, account_id=ACCOUNT)
    assert [(row["date"], row["account"], row["debit"], row["credit"], row["balance"]) for row in found] == [
        ("2025-11-19", "receivable", "30.00", "0.00", "30.00"),
        ("2025-11-19", "deferred_revenue", "0.00", "30.00", "-30.00"),
        ("2025-11-21", "cash", "30.00", "0.00", "30.00"),
        ("2025-11-21", "receivable", "0.00", "30.00", "0.00"),
    ]
    assert (found[1]["entry"], found[1]["book"], found[1]["line"]) == (
        *("invoice/in_1/generated", "invoice/in_1", "il_1"),
    )
    later = rows(STATEMENT, account_id=ACCOUNT, **{"from": "2025-11-20", "to": "2025-11-30"})
    assert [row["balance"] for row in later] == ["30.00", "0.00"]


def test_a_reason_that_looks_like_a_formula_stays_a_text(books: Books) -> None:
    attack = '=HYPERLINK("http://evil.example","x")'
    books.post(CreditBalanceAdjusted(adjustment_id="ca_1", amount_minor=1, currency="usd", reason=attack))
    assert {row["reason"] for row in rows(STATEMENT, account_id=ACCOUNT)} == {f"'{attack}"}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\n=1"])
def test_whatever_a_spreadsheet_calculates_is_kept_from_it(text: str) -> None:
    (_, row) = csv.reader(io.StringIO(csv_text(["a", "b"], [[text, decimal(-5, "usd")]]), newline=""))
    assert row == [f"'{text}", "-0.05"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (TRIAL_BALANCE, {"as_of": "2025-02-30"}, 400),
        (TRIAL_BALANCE, {"as_of": "=1"}, 400),
        (STATEMENT, {}, 400),
        (STATEMENT, {"account_id": ACCOUNT, "from": "2025-12-01", "to": "2025-11-01"}, 400),
        (STATEMENT, {"account_id": "acc_nobody"}, 404),
    ],
)
def test_a_report_of_nothing_is_refused_in_words(
    books: Books, path: str, query: dict[str, str], status: int
) -> None:
    said, problem = call("GET", path, role="viewer", query=query)
    assert (said, problem["status"]) == (status, status)
    assert problem["detail"]


def test_what_waits_is_listed_with_its_reason(books: Books) -> None:
    books.post(RefundIssued(refund_id="re_1", payment_id="pi_1", amount_minor=5, currency="usd"))
    status, body = call("GET", "/v1/ledger/quarantine", role="viewer")
    assert status == 200
    (item,) = body["items"]
    assert (item["fact"], item["waits_for"]) == ("refund/re_1/issued", "payment/pi_1/succeeded")
    assert (item["reason"], item["since"][:10]) == ("what it builds on is not posted yet", "2025-11-21")


def test_what_waits_for_a_person_is_dismissed_by_one_and_audited_whole(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment(), payment(amount_minor=9))
    event, path = books.told[2], f"/v1/ledger/quarantine/{books.told[2].event_id}/dismiss"
    assert call("POST", path, {"reason": "Told twice"}, role="support")[0] == 403
    assert call("POST", path, {"reason": "Told twice"}, role="billing")[0] == 200
    assert books.held() == {}
    (noted,) = books.world.rows("audit")
    assert (noted["subject"], noted["before"]["event"]["payload"]["amount_minor"]) == (event.event_id, 9)
    assert call("POST", path, {"reason": "Again"}, role="billing")[0] == 404


def test_what_waits_for_another_fact_is_not_dismissed(books: Books) -> None:
    books.post(RefundIssued(refund_id="re_1", payment_id="pi_1", amount_minor=5, currency="usd"))
    path = f"/v1/ledger/quarantine/{books.told[0].event_id}/dismiss"
    assert call("POST", path, {"reason": "Away with it"}, role="billing")[0] == 404
    assert len(books.held()) == 1


def test_an_adjustment_is_an_entry_of_its_own_and_audited(books: Books, account: None) -> None:
    status, body = call("POST", "/v1/ledger/adjustments", adjustment(), role="billing")
    assert (status, body["account_id"], body["date"]) == (201, ACCOUNT, "2025-11-21")
    assert books.balances() == {"revenue": 500, "adjustments": -500}
    (noted,) = books.world.rows("audit")
    assert (noted["action"], noted["subject"], noted["reason"]) == ("ledger.adjust", ACCOUNT, "Billed twice")
    assert noted["after"]["entry"] == body["entry"]
    assert call("POST", "/v1/ledger/adjustments", adjustment(), role="support")[0] == 403


def test_an_adjustment_whose_answer_was_lost_is_posted_once(books: Books, account: None) -> None:
    def post(**more: Any) -> tuple[int, Any]:
        headers = {"idempotency-key": "set-right"}
        return call("POST", "/v1/ledger/adjustments", adjustment(**more), role="billing", headers=headers)

    books.world.store.fail("transact", after_effect=True)
    assert post()[0] == 503
    assert post(reason="Something else")[0] == 409
    status, body = post()
    assert (status, body["reason"]) == (201, "Billed twice")
    assert books.balances() == {"revenue": 500, "adjustments": -500}
    assert len(books.world.rows("audit")) == 1


def large() -> dict[str, Any]:
    """One of more than a single person may post."""
    debit = {"account": "revenue", "debit_minor": 100_001}
    return adjustment(postings=[debit, {"account": "adjustments", "credit_minor": 100_001}])


def decide(verb: str, id: str, by: str, **body: Any) -> tuple[int, Any]:
    path = f"/v1/ledger/adjustments/{id}/{verb}"
    return call("POST", path, body, role="billing", subject=by)


def waiting() -> list[str]:
    items = call("GET", "/v1/ledger/adjustments", role="billing")[1]["items"]
    return [each["adjustment_id"] for each in items]


def test_a_large_adjustment_is_posted_when_a_second_person_approves(books: Books, account: None) -> None:
    status, waits = call("POST", "/v1/ledger/adjustments", large(), role="billing", subject="bea")
    assert (status, waits["state"], waits["entered_by"]) == (202, "waiting_approval", "bea")
    id = waits["adjustment_id"]
    assert waits["approve_url"] == f"/v1/ledger/adjustments/{id}/approve"
    assert (waiting(), books.entries()) == ([id], [])
    status, problem = decide("approve", id, "bea")
    assert (status, "second person" in problem["detail"]) == (403, True)
    status, done = decide("approve", id, "bob")
    assert (status, done["entry"], done["reason"]) == (200, f"adjustment/{id}", "Billed twice")
    assert books.balances() == {"revenue": 100_001, "adjustments": -100_001}
    assert decide("approve", id, "bob")[1] == done  # asked again
    assert decide("approve", id, "carl")[0] == 409
    assert decide("reject", id, "carl", reason="late")[0] == 409
    acts = [(row["action"], row["actor"]) for row in books.world.rows("audit")]
    assert sorted(acts) == [("ledger_adjustment.approve", "bob"), ("ledger_adjustment.enter", "bea")]
    assert (waiting(), len(books.entries())) == ([], 1)


def test_a_large_adjustment_that_is_rejected_posts_nothing(books: Books, account: None) -> None:
    _, waits = call("POST", "/v1/ledger/adjustments", large(), role="billing", subject="bea")
    id = waits["adjustment_id"]
    assert decide("reject", id, "bea")[0] == 400
    status, gone = decide("reject", id, "bea", reason="Typing error")
    assert (status, gone["state"], gone["rejected_because"]) == (200, "rejected", "Typing error")
    assert decide("approve", id, "bob")[0] == 409
    assert decide("approve", "adj_none", "bob")[0] == 404
    assert (books.entries(), waiting()) == ([], [])


def test_a_large_adjustment_whose_answer_was_lost_waits_once(books: Books, account: None) -> None:
    def post(body: dict[str, Any]) -> tuple[int, Any]:
        headers = {"idempotency-key": "set-right"}
        return call("POST", "/v1/ledger/adjustments", body, role="billing", subject="bea", headers=headers)

    books.world.store.fail("transact", after_effect=True)
    assert post(large())[0] == 503
    assert post(large() | {"reason": "Something else"})[0] == 409
    assert post(large())[0] == 202
    assert len(waiting()) == 1


def test_an_approval_that_meets_another_entry_of_its_book_is_made_once(books: Books, account: None) -> None:
    books.post(invoice("in_1", MONTH))
    wanted = large() | {"invoice_id": "in_1"}
    id = call("POST", "/v1/ledger/adjustments", wanted, role="billing", subject="bea")[1]["adjustment_id"]
    books.world.store.meanwhile("transact", lambda: books.post(payment()), skip=1)
    assert decide("approve", id, "bob")[0] in (200, 503)
    assert decide("approve", id, "bob")[0] == 200
    assert books.balances()["adjustments"] == -100_001


def test_a_small_one_in_a_currency_without_a_limit_waits_too(books: Books, account: None) -> None:
    assert call("POST", "/v1/ledger/adjustments", adjustment(currency="sek"), role="billing")[0] == 202


def test_an_adjustment_of_an_invoice_goes_to_its_book_and_defers_by_days(books: Books, account: None) -> None:
    books.post(invoice("in_1", MONTH))
    deferred = {
        "account": "deferred_revenue",
        "credit_minor": 310,
        "start": "2025-12-01",
        "end": "2026-01-01",
    }
    wanted = adjustment(postings=[{"account": "receivable", "debit_minor": 310}, deferred], invoice_id="in_1")
    assert call("POST", "/v1/ledger/adjustments", wanted, role="billing")[0] == 201
    assert books.balances("invoice/in_1") == {"receivable": 3310, "deferred_revenue": -3310}
    books.recognize("2026-01-01")
    assert books.balances()["revenue"] == -3310


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [
        ({"postings": against(account="cash", debit_minor=2)}, 400, "postings"),
        ({"postings": against(account="cash", debit_minor=1)[:1]}, 400, "postings"),
        ({"postings": against(account="gold", debit_minor=1)}, 400, "postings.0.account"),
        ({"postings": against(account="cash", debit_minor=1.5)}, 400, "postings.0.debit_minor"),
        ({"postings": against(account="cash")}, 400, "postings.0.debit_minor"),
        ({"postings": against(account="cash", debit_minor=1, start="2025-01-01")}, 400, "postings.0.start"),
        ({"postings": against(account="deferred_revenue", debit_minor=1)}, 400, "postings.0.start"),
        ({"currency": "USD"}, 400, "currency"),
        ({"reason": " "}, 400, "reason"),
        ({"account_id": "acc_nobody"}, 404, None),
        ({"invoice_id": "in_9"}, 404, None),
    ],
)
def test_an_adjustment_that_cannot_be_posted_is_refused_by_field(
    books: Books, account: None, more: dict[str, Any], status: int, field: str | None
) -> None:
    said, problem = call("POST", "/v1/ledger/adjustments", adjustment(**more), role="billing")
    assert said == status, problem
    assert field is None or field in {error["field"] for error in problem["errors"]}
    assert books.entries() == []


def test_an_adjustment_in_another_currency_than_its_invoice_is_refused(books: Books, account: None) -> None:
    books.post(invoice("in_1", MONTH, currency="eur"))
    said, problem = call("POST", "/v1/ledger/adjustments", adjustment(invoice_id="in_1"), role="billing")
    assert (said, problem["detail"]) == (409, "This invoice is in eur")


def message(body: str, id: str = "m1", queue: str = "ledger") -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    return {
        "messageId": id,
        "body": body,
        "attributes": attributes,
        "eventSourceARN": f"arn:aws:sqs:r:1:{queue}",
    }


def test_a_message_that_cannot_be_posted_fails_alone_and_ends_on_the_list_of_failures(books: Books) -> None:
    good, bad = books.event(invoice("in_1", MONTH)), books.event(payment())
    records = [
        message(good.model_dump_json()),
        message("no envelope", "m2"),
        message(bad.model_copy(update={"payload": {"payment_id": "pi_1"}}).model_dump_json(), "m3"),
    ]
    answer = post_ledger({"Records": records}, None)
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["m2", "m3"]
    assert books.balances() == {"receivable": 3000, "deferred_revenue": -3000}
    letter = message(good.model_dump_json(), queue="ledger-dlq")
    assert file_dead_letter({"Records": [letter]}, None) == {"batchItemFailures": []}
    (failure,) = books.world.rows("failures")
    assert (failure["queue"], failure["body"]["event_id"]) == ("ledger", good.event_id)


def test_while_the_store_is_down_every_message_comes_again(books: Books) -> None:
    event = books.event(invoice("in_1", MONTH))
    books.world.store.is_down = True
    answer = post_ledger({"Records": [message(event.model_dump_json())]}, None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m1"}]
    books.world.store.is_down = False
    assert post_ledger({"Records": [message(event.model_dump_json())]}, None) == {"batchItemFailures": []}
    assert books.balances() == {"receivable": 3000, "deferred_revenue": -3000}
