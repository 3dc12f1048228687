"""Writes the JSON Schema of each policy file to docs/schemas/policies/: `python -m infra.policy_schemas`."""

import json
from pathlib import Path

from infra.policy_files import MODELS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas" / "policies"


def schemas() -> dict[Path, str]:
    """The text of each schema by its file: what editors complete and check policies/*.yaml with."""
    found = {}
    for name, model in MODELS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(),
            "title": f"policies/{name}.yaml",
        }
        found[FOLDER / f"{name}.json"] = (
            json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        )
    return found


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in schemas().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
