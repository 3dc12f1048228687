"""Reads templates/<alias>/ (template.yaml, body.html, body.txt) and puts each template on the mail server.

Row D5 of docs/product.md.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from infra.policy_files import PolicyFileError
from infra.policy_files import read as read_yaml
from usher.adapters.postmark_mail import PostmarkTemplates

FOLDER = Path(__file__).resolve().parent.parent / "templates"


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    subject: str = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """One template; its alias is its folder's name."""

    alias: str
    name: str
    subject: str
    html: str
    text: str


def read(folder: Path = FOLDER) -> list[MailTemplate]:
    """Every template, by alias. Raises PolicyFileError."""
    return [_read(path.parent) for path in sorted(folder.glob("*/template.yaml"))]


def push(server: PostmarkTemplates, templates: list[MailTemplate]) -> list[str]:
    """Put the templates on the server; returns the aliases of those that had to change."""
    return [
        each.alias
        for each in templates
        if server.push(each.alias, name=each.name, subject=each.subject, html=each.html, text=each.text)
    ]


def _read(folder: Path) -> MailTemplate:
    head = read_yaml(folder / "template.yaml", _Head)
    try:
        html, text = ((folder / name).read_text(encoding="utf-8") for name in ("body.html", "body.txt"))
    except OSError as error:
        raise PolicyFileError(f"{error.filename}:1: cannot be read: {error.strerror}") from error
    return MailTemplate(folder.name, head.name, head.subject, html, text)
