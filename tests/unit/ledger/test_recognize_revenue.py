"""Revenue is recognised month by month by days of service, once, and corrections follow it."""

import pytest

from functions.reporting.recognize_revenue import handler
from tests.fakes.ledger import Books, at, invoice, line
from usher.domain.errors import StoreUnavailable

YEAR = line(12_000, "2025-11-21", "2026-11-21")


def revenue_by_month(books: Books) -> dict[str, int]:
    """What was recognised for each month."""
    found: dict[str, int] = {}
    for entry in books.entries():
        month = f"{entry.date:%Y-%m}"
        own = -sum(posting.amount_minor for posting in entry.postings if posting.account == "revenue")
        if own:
            found[month] = found.get(month, 0) + own
    return found


def test_nothing_is_recognised_of_a_month_that_is_not_over(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    assert books.recognize("2025-11-30") == 0
    assert books.recognize("2025-12-01") == 1
    assert books.balances()["revenue"] == -329  # 10 of 365 days


def test_a_year_is_recognised_by_the_days_of_its_months(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    books.recognize("2026-12-01")
    months = revenue_by_month(books)
    assert [months["2025-11"], months["2025-12"], months["2026-02"], months["2026-11"]] == [
        329,
        1019,
        921,
        658,
    ]
    assert sum(months.values()) == 12_000
    assert len(months) == 13


def test_a_second_run_of_the_same_night_adds_nothing(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    assert (books.recognize("2026-01-01"), books.recognize("2026-01-01")) == (2, 0)


def test_a_run_that_is_cut_off_is_made_up_by_the_next(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    books.world.store.fail("transact", skip=1, after_effect=True)
    with pytest.raises(StoreUnavailable):
        books.recognize("2026-02-01")
    assert books.recognize("2026-02-02") == 1
    assert revenue_by_month(books) == {"2025-11": 329, "2025-12": 1019, "2026-01": 1019}


def test_somebody_who_writes_to_the_book_meanwhile_costs_one_run(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    books.world.store.meanwhile("transact", lambda: books.recognize("2025-12-01"))
    assert books.recognize("2025-12-01") == 0
    assert revenue_by_month(books) == {"2025-11": 329}


def test_service_before_the_month_of_its_invoice_is_recognised_with_it(books: Books) -> None:
    books.post(invoice("in_1", line(3000, "2025-09-01", "2025-12-01")), day="2025-11-21")
    books.recognize("2025-12-01")
    assert revenue_by_month(books) == {"2025-11": 3000}


def test_a_fact_that_comes_after_its_month_was_recognised_is_taken_up_by_the_next_run(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    books.recognize("2025-12-01")
    books.post(invoice("in_2", line(3000, "2025-11-21", "2025-12-21", line_id="il_2")), day="2025-11-30")
    books.recognize("2025-12-02")
    assert revenue_by_month(books) == {"2025-11": 1329}


def test_the_schedule_s_function_recognises_what_is_due(books: Books) -> None:
    books.post(invoice("in_1", YEAR))
    books.world.clock.advance_to(at("2025-12-05"))
    assert handler({}, None) == {"count": 1}
