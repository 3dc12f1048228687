"""Stages: dev, staging and prod differ as docs/aws.md says, and nothing else is a stage (G1)."""

import json

import pytest
from aws_cdk import App

from infra import catalog
from infra.aws.deployment import deploy
from infra.aws.stages import STAGES, UnknownStage, stage_named
from tests.infra.assembly import Assembly
from tests.infra.conftest import Synthesize

a_second_synthesis = pytest.mark.long  # the core tests look at prod's templates alone


@pytest.fixture(scope="module")
def dev(synthesize: Synthesize) -> Assembly:
    return synthesize("dev")


def test_an_unknown_stage_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(UnknownStage, match=r"no stage 'production': use -c stage=dev\|staging\|prod"):
        deploy(App(context={"stage": "production"}))


@a_second_synthesis
def test_the_stages_hold_the_same_resources_under_their_own_names(dev: Assembly, prod: Assembly) -> None:
    def kinds(assembly: Assembly, stage: str) -> list[tuple[str, str]]:
        return sorted((each.stack.replace(stage, ""), each.type) for each in assembly.all())

    assert kinds(dev, "usher-dev") == kinds(prod, "usher-prod")
    assert "usher-dev" not in json.dumps(prod.templates)


@a_second_synthesis
def test_dev_takes_new_code_at_once_and_keeps_logs_a_week(dev: Assembly) -> None:
    groups = dev.properties("AWS::CodeDeploy::DeploymentGroup")
    assert {g["DeploymentConfigName"] for g in groups} == {"CodeDeployDefault.LambdaAllAtOnce"}
    shifts = [
        a["DeploymentPreference"]["Type"] for a in dev.properties("AWS::StepFunctions::StateMachineAlias")
    ]
    assert shifts == ["ALL_AT_ONCE"] * len(catalog.WORKFLOWS)
    assert {group["RetentionInDays"] for group in dev.properties("AWS::Logs::LogGroup")} == {7}
    assert not any("DataProtectionPolicy" in group for group in dev.properties("AWS::Logs::LogGroup"))


def test_prod_takes_a_tenth_first_and_masks_addresses_in_the_logs_of_functions(prod: Assembly) -> None:
    groups = prod.properties("AWS::CodeDeploy::DeploymentGroup")
    assert {g["DeploymentConfigName"] for g in groups} == {"CodeDeployDefault.LambdaCanary10Percent5Minutes"}
    logs = [g for g in prod.properties("AWS::Logs::LogGroup") if g["LogGroupName"].startswith("/aws/lambda/")]
    assert logs and all("DataProtectionPolicy" in group for group in logs)


@a_second_synthesis
def test_dev_keeps_its_tables_as_prod_does(dev: Assembly) -> None:
    for table in dev.all("AWS::DynamoDB::Table"):
        assert table.body["DeletionPolicy"] == "Retain"
        assert table.properties["DeletionProtectionEnabled"] is True


def test_alarms_are_nearer_the_closer_a_stage_is_to_customers() -> None:
    dev, staging, prod = (stage_named(name) for name in ("dev", "staging", "prod"))
    assert dev.errors_before_alarm > staging.errors_before_alarm > prod.errors_before_alarm
    ages = [stage.oldest_message.to_seconds() for stage in (dev, staging, prod)]
    assert ages == sorted(ages, reverse=True)
    assert set(STAGES) == {"dev", "staging", "prod"}
