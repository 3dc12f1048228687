"""Layers: the usher package, and third-party wheels split so that a function carries only its own vendors'."""

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import catalog
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
        """usher, core, and the layer of each vendor the catalog lists (`http` is core's urllib3)."""
        vendors = [vendor for vendor in entry.vendors if (VENDOR / vendor).is_dir()]
        return [self._layer(name) for name in ("usher", "core", *vendors)]

    def _layer(self, name: str) -> lambda_.LayerVersion:
        if name not in self._made:
            source = ROOT / "layers" / "usher" if name == "usher" else VENDOR / name
            self._made[name] = lambda_.LayerVersion(
                self,
                name,
                code=code(source, _build(name), bundle=self._bundle),
                compatible_runtimes=[RUNTIME],
                compatible_architectures=[lambda_.Architecture.ARM_64],
                description=f"Usher: {name}",
            )
        return self._made[name]


def _build(name: str) -> Build:
    if name == "usher":
        return copied(ROOT / "layers" / "usher" / "python", "python")
    return installed(VENDOR / name / "requirements.txt", "python")
