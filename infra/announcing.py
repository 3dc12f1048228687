"""Which of our events a policy wants told: what nobody is told of costs no call of a function."""

import yaml

from infra.state_machine_file import FOLDER as WORKFLOWS

POLICY = WORKFLOWS.parent / "policies" / "onboarding.yaml"  # checked by infra/policy_files.py


def announced() -> tuple[str, ...]:
    """The events of a success, when each new customer is to be told."""
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return ("onboarding.completed",) if policy.get("announce_success") == "each" else ()
