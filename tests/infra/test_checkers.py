"""cdk-nag, cfn-lint and the States Language checker have nothing to say, and would say it."""

import json
import subprocess
import sys
from pathlib import Path

import cdk_nag
import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sqs as sqs

from infra.aws.lock_layers import ROOT
from tests.infra.assembly import Assembly, rendered

VALIDATOR = ROOT / "node_modules" / ".bin" / "asl-validator"


def test_cdk_nag_finds_nothing(prod: Assembly) -> None:
    report = json.loads((prod.folder / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_cdk_nag_would_stop_a_synthesis(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    sqs.Queue(Stack(app, "Careless"), "WithoutTls")
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-SQS4" in (tmp_path / "validation-report.json").read_text()


def test_every_acknowledged_finding_has_a_reason(prod: Assembly) -> None:
    reasons = [
        reason
        for path in prod.folder.glob("*.metadata.json")
        for entries in json.loads(path.read_text()).values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
        if "AwsSolutions" in rule
    ]
    assert len(reasons) > 20
    assert all(len(reason) > 15 for reason in reasons)


def test_cfn_lint_finds_nothing(prod: Assembly) -> None:
    templates = sorted(map(str, prod.folder.glob("*.template.json")))
    checked = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--non-zero-exit-code", "informational", *templates],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == "" and checked.returncode == 0


def test_the_states_language_checker_passes_every_rendered_workflow(prod: Assembly, tmp_path: Path) -> None:
    machines = prod.properties("AWS::StepFunctions::StateMachine")
    assert machines
    for machine in machines:
        path = tmp_path / f"{machine['StateMachineName']}.asl.json"
        path.write_text(json.dumps(rendered(machine)))
        checked = _validate(path)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_states_language_checker_would_refuse_a_transition_into_nothing(
    prod: Assembly, tmp_path: Path
) -> None:
    (machine, *_) = prod.properties("AWS::StepFunctions::StateMachine")
    definition = rendered(machine)
    definition["StartAt"] = "Nowhere"
    path = tmp_path / "broken.asl.json"
    path.write_text(json.dumps(definition))
    assert _validate(path).returncode != 0


def _validate(path: Path) -> subprocess.CompletedProcess[str]:
    assert VALIDATOR.exists(), "run `npm ci` first: the checker is one of package.json's tools"
    return subprocess.run(
        [str(VALIDATOR), "--json-path", str(path)], capture_output=True, text=True, check=False
    )
