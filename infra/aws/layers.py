"""Layers: the usher package, the policies, and wheels split so that a function carries only its vendors'."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import catalog, policy_files
from infra.aws.bundling import RUNTIME, Build, code, copied, installed
from infra.aws.lock_layers import ROOT, VENDOR


class Layers(Construct):
    """A room's layers, made when first asked for.

    Each room has its own: a layer shared across stacks would be an export that changes with every edit,
    and CloudFormation refuses to change an export that is in use. The assets behind them are shared.
    """

    def __init__(self, scope: Construct, name: str, *, bundle: bool) -> None:
        super().__init__(scope, name)
        self._bundle = bundle
        self._made: dict[str, lambda_.LayerVersion] = {}

    def of(self, entry: catalog.Function) -> list[lambda_.ILayerVersion]:
        """usher, policies, core, and a layer for each vendor the catalog lists (`http` is core's urllib3)."""
        vendors = [vendor for vendor in entry.vendors if (VENDOR / vendor).is_dir()]
        return [self._layer(name) for name in ("usher", "policies", "core", *vendors)]

    def _layer(self, name: str) -> lambda_.LayerVersion:
        if name not in self._made:
            source, build = _content(name)
            self._made[name] = lambda_.LayerVersion(
                self,
                name,
                code=code(source, build, bundle=self._bundle, fingerprint=_fingerprint(name)),
                compatible_runtimes=[RUNTIME],
                compatible_architectures=[lambda_.Architecture.ARM_64],
                description=f"Usher: {name}",
            )
        return self._made[name]


def _content(name: str) -> tuple[Path, Build]:
    """What a layer is made from, and how."""
    if name == "usher":
        return ROOT / "layers" / "usher", copied(ROOT / "layers" / "usher" / "python", "python")
    if name == "policies":
        return policy_files.FOLDER, lambda output: policy_files.render(output / "policies")
    return VENDOR / name, installed(VENDOR / name / "requirements.txt", "python")


def _fingerprint(name: str) -> str | None:
    """What decides whether a layer has changed, where its folder alone does not: routes are elsewhere."""
    return policy_files.digest() if name == "policies" else None
