"""Problems: what a refused request is told."""

from pydantic import BaseModel, ValidationError, model_validator

from usher.domain.problems import MAX_NAMED, FieldError, OfFields, bad_fields, invalid


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


class Span(BaseModel):
    first: int
    last: int

    @model_validator(mode="after")
    def _runs_forward(self) -> "Span":
        if self.last < self.first:
            raise OfFields("last comes after first", "first", "last")
        return self


class Booking(BaseModel):
    span: Span


def test_fields_that_do_not_go_together_are_each_named() -> None:
    try:
        Booking.model_validate({"span": {"first": 2, "last": 1}})
    except ValidationError as error:
        found = bad_fields(error.errors(include_input=False))
    assert found == (
        FieldError("span.first", "last comes after first"),
        FieldError("span.last", "last comes after first"),
    )
