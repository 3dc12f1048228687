"""Policy files: what is in force loads, and every complaint names file, line and field."""

import json
import shutil
from pathlib import Path

import pytest

from infra import policy_files, policy_schemas
from infra.policy_files import PolicyFileError
from usher.domain.plans import PlanCatalog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "policies"
    shutil.copytree(policy_files.FOLDER, copy)
    return copy


def complaint(folder: Path, text: str, name: str = "plans") -> str:
    (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(PolicyFileError) as caught:
        policy_files.load_all(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{folder}/")


def test_the_policies_in_force_load() -> None:
    policies = policy_files.load_all()
    assert set(policies) == {*policy_files.MODELS, "routes"}
    plans = PlanCatalog.model_validate(policies["plans"]).plans
    assert {
        "free",
        "starter-monthly",
        "starter-yearly",
        "pro-monthly",
        "pro-yearly",
        "enterprise",
        "beta",
    } <= set(plans)


def test_rendered_files_say_the_same_as_json(tmp_path: Path) -> None:
    files = policy_files.render(tmp_path / "out")
    assert {file.stem: json.loads(file.read_text()) for file in files} == policy_files.load_all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "currency: usd\nplans:\n  pro:\n    name: Pro\n    amount_minor: lots\n",
            "plans.yaml:5: plans.pro.amount_minor: input should be a valid integer",
        ),
        (
            "currency: usd\nplans:\n  pro:\n    name: Pro\n    amount_minor: 1\n    colour: red\n",
            "plans.yaml:6: plans.pro.colour: is not a setting Usher knows",
        ),
        (
            "currency: usd\nplans:\n  pro:\n    name: Pro\n",
            "plans.yaml:3: plans.pro.amount_minor: is required",
        ),
        ("currency: usd\nplans: {}\n", "plans.yaml:1: plans: at least one plan is needed"),
        ("currency: usd\nplans: [\n", "plans.yaml:3: "),
        ("currency: usd\ncurrency: eur\nplans: {}\n", "plans.yaml:2: key 'currency' appears twice"),
        (
            "currency: usd\nplans:\n  2026:\n    name: x\n",
            "plans.yaml:3: key '2026' must be a string; quote it",
        ),
        ("- currency\n", "plans.yaml:1: must be a mapping of settings"),
        ("", "plans.yaml:1: must be a mapping of settings"),
        ("currency: usd\x07\n", "plans.yaml:1: is not YAML: "),
    ],
)
def test_a_bad_file_is_told_with_its_line(folder: Path, text: str, expected: str) -> None:
    assert complaint(folder, text).startswith(expected)


def test_of_several_complaints_the_first_is_told_and_the_rest_counted(folder: Path) -> None:
    text = "currency: usd\nplans:\n  a: {name: A, amount_minor: -1}\n  b: {name: B, amount_minor: -1}\n"
    message = complaint(folder, text)
    assert message.startswith("plans.yaml:3: plans.a.amount_minor: ")
    assert message.endswith("(and 1 more)")


def test_a_place_in_a_list_is_found(folder: Path) -> None:
    text = (folder / "crm.yaml").read_text()
    line = text.splitlines().index("contacts:") + 3
    bad = text.replace("{name: plan_tier,", "{name: Plan Tier,", 1)
    assert complaint(folder, bad, "crm").startswith(f"crm.yaml:{line}: contacts.1.name: ")


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        ("  base_plan: free", "  base_plan: gold", "payment_link.base_plan: is no plan of plans.yaml"),
        ("  who: {}", "  who: {plans: [free, gold]}", "confirmation.who.plans.1: is no plan of plans.yaml"),
        (
            "welcome_template: welcome",
            "welcome_template: gold",
            "welcome_template: is no folder of templates/",
        ),
    ],
)
def test_what_one_file_names_in_another_has_to_be_there(
    folder: Path, good: str, bad: str, field: str
) -> None:
    text = (folder / "onboarding.yaml").read_text()
    line = text[: text.index(good)].count("\n") + 1
    assert complaint(folder, text.replace(good, bad, 1), "onboarding").startswith(
        f"onboarding.yaml:{line}: {field}"
    )


def test_a_missing_file_is_told(folder: Path) -> None:
    (folder / "onboarding.yaml").unlink()
    with pytest.raises(PolicyFileError, match=r"onboarding\.yaml:1: cannot be read: No such file"):
        policy_files.load_all(folder)


def test_bytes_that_are_no_text_are_told(folder: Path) -> None:
    (folder / "plans.yaml").write_bytes(b"currency: \xff\n")
    with pytest.raises(PolicyFileError, match="is not UTF-8"):
        policy_files.load_all(folder)


def test_a_file_that_no_model_reads_is_told(folder: Path) -> None:
    assert complaint(folder, "a: 1\n", "planz").startswith("planz.yaml:1: is no policy Usher knows")


def test_the_schemas_in_the_docs_are_those_of_the_models_and_fit_the_files() -> None:
    for path, text in policy_schemas.schemas().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m infra.policy_schemas`"
        assert set(policy_files.load(path.stem)) <= set(json.loads(text)["properties"])
