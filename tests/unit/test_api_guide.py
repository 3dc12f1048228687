"""docs/guide/api.md tells the catalog's routes."""

from infra import api_guide


def test_the_guide_s_table_is_the_catalog_s() -> None:
    text = api_guide.PAGE.read_text(encoding="utf-8")
    assert api_guide.with_table(text) == text, "run `python -m infra.api_guide`"
