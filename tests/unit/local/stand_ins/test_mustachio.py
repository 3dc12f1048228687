"""Mustachio: values, sections and lists of a mail template."""

import pytest

from infra.local.stand_ins.postmark.mustachio import TemplateError, check, render


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{name}}", "Hi &lt;Ada&gt;"),
        ("Hi {{{name}}}", "Hi <Ada>"),
        ("{{company.name}} {{ company.name }}", "Acme Acme"),
        ("[{{gone}}{{company.gone}}]", "[]"),
        ("{{#company}}{{name}}{{/company}}", "Acme"),
        ("{{#gone}}no{{#company}}no{{/company}}{{/gone}}{{^gone}}yes{{/gone}}", "yes"),
        ("{{^company}}no{{/company}}", ""),
        ("{{#each seats}}<{{.}}>{{/each}}", "<1><2>"),
        ("{{#each people}}{{name}} of {{company.name}};{{/each}}", "Bob of Acme;Eve of Acme;"),
        ("{{#each none}}x{{/each}}", ""),
    ],
)
def test_templates_render(template: str, text: str) -> None:
    people = [{"name": "Bob"}, {"name": "Eve"}]
    model = {"name": "<Ada>", "company": {"name": "Acme"}, "seats": [1, 2], "people": people, "none": []}
    assert render(template, model, escape=True) == text


def test_plain_text_is_not_escaped() -> None:
    assert render("{{name}}", {"name": "A & B"}, escape=False) == "A & B"


def test_a_value_that_looks_like_a_template_is_not_rendered_again() -> None:
    assert render("{{name}}", {"name": "{{secret}}", "secret": "x"}, escape=True) == "{{secret}}"


@pytest.mark.parametrize("template", ["{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{#each a}}{{/a}}"])
def test_sections_that_do_not_match_are_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        check(template)
