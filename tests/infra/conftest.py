"""The app is synthesized once per stage and session, without bundling, an account or a network."""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")

from aws_cdk import App

from infra.aws.deployment import deploy
from infra.aws.lock_layers import ROOT

Synthesize = Callable[[str], Assembly]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Stage name -> its assembly. cdk-nag runs with it: a finding raises."""

    @cache
    def of(stage: str) -> Assembly:
        folder: Path = tmp_path_factory.mktemp(stage)
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = App(outdir=str(folder), context={**context, "stage": stage, "aws:cdk:bundling-stacks": []})
        deploy(app)
        app.synth()
        return Assembly(folder)

    return of


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Assembly:
    return synthesize("prod")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`, one worker takes this folder, and synthesizes once."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("aws"))
