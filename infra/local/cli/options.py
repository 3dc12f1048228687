"""The options that several commands take, and how a command is handed on to the module that does it."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

DATA = Path(".usher")

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where Usher keeps everything.")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="An Usher elsewhere. [default: the one in --data]")
]
TokenOption = Annotated[
    str | None, typer.Option("--token", help="An operator's token. [default: support's, of dev.env]")
]


def run(command: str, /, **options: Any) -> None:
    """Do the work of `infra.local.cli.<command>` and exit with its code."""
    # Loaded here and not above, so that `usher --help` does not wait for what `usher up` needs.
    code: int = importlib.import_module(f"infra.local.cli.{command}").run(**options)
    raise typer.Exit(code)
