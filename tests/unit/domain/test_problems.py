"""Problems: what a refused request is told."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

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


class Form(BaseModel):
    """A part of a request whose fields have patterns."""

    model_config = ConfigDict(hide_input_in_errors=True)

    domain: Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z]+$")]
    nick: Annotated[str, StringConstraints(pattern=r"^[a-z]+$")]


def test_a_form_that_is_missed_is_told_in_words_where_there_are_some() -> None:
    with pytest.raises(ValidationError) as refused:
        Form(domain="no dots", nick="NO")
    told = bad_fields(refused.value.errors(include_input=False))
    assert told[0] == FieldError("domain", "must be a domain, such as example.com")
    assert told[1].message == "string should match pattern '^[a-z]+$'"


def test_fields_that_do_not_go_together_are_each_named() -> None:
    try:
        Booking.model_validate({"span": {"first": 2, "last": 1}})
    except ValidationError as error:
        found = bad_fields(error.errors(include_input=False))
    assert found == (
        FieldError("span.first", "last comes after first"),
        FieldError("span.last", "last comes after first"),
    )
