"""Policy files: a complaint names the file, the line and the field, before anything starts."""

from pathlib import Path

import pytest

from infra.policy_file import FOLDER, PolicyFileError, load
from usher.adapters.hubspot_schema import CrmSchema

GOOD = (FOLDER / "crm.yaml").read_text(encoding="utf-8")


def complaint(tmp_path: Path, text: str) -> str:
    path = tmp_path / "crm.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyFileError) as caught:
        load(path, CrmSchema)
    return str(caught.value).removeprefix(str(path))


def test_the_policy_that_is_shipped_loads() -> None:
    schema = load(FOLDER / "crm.yaml", CrmSchema)
    assert schema.subscription_type == "p_subscription"
    assert [each.name for each in schema.companies if each.unique] == ["usher_account_id"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("label: Plan tier, type: string}", "label: Plan tier, type: text}", "contacts.1.type"),
        ("name: company_size, label", "name: Company size, label", "companies.2.name"),
        ("type: number, description: Employees", "tpye: number, description: Employees", "companies.2.tpye"),
        ("shown_by: usher_subscription_id", "shown_by: title", "subscription"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, old: str, new: str, field: str) -> None:
    text = GOOD.replace(old, new, 1)
    said = complaint(tmp_path, text).splitlines()
    line = next(number for number, each in enumerate(text.splitlines(), 1) if new in each)
    if field == "subscription":  # the complaint is about the object as a whole
        line = next(number for number, each in enumerate(text.splitlines(), 1) if each.startswith(field))
    assert any(each.split(": ")[0].endswith(f":{line}") and f": {field}: " in each for each in said), said


def test_text_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert complaint(tmp_path, "group:\n  - [").startswith((":2: ", ":3: "))


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, "").startswith(":1: file: ")
    with pytest.raises(PolicyFileError, match="cannot be read"):
        load(tmp_path / "gone.yaml", CrmSchema)
