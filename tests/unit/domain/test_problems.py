"""Problems: what a refused request is told."""

from usher.domain.problems import MAX_NAMED, FieldError, invalid


def test_every_bad_field_is_named() -> None:
    problem = invalid((FieldError("data.email", "is required"), FieldError("data.plan", "is required")))
    assert problem.status == 400
    assert problem.detail == "These fields need attention: data.email, data.plan"
    assert len(problem.errors) == 2


def test_ten_thousand_bad_fields_get_a_short_answer() -> None:
    problem = invalid(
        tuple(FieldError(f"data.x{n}", "is not a field of this request") for n in range(10_000))
    )
    assert len(problem.errors) == MAX_NAMED
    assert problem.detail.endswith(f"and {10_000 - MAX_NAMED} more")
