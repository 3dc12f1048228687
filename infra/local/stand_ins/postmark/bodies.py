"""Request bodies of Postmark's API as far as the stand-in serves it; unknown fields are refused."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MetadataKey = Annotated[str, Field(min_length=1, max_length=20)]
MetadataValue = Annotated[str, Field(max_length=80)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TemplatedMail(_Body):
    """POST /email/withTemplate, and one entry of a batch."""

    From: str
    To: str
    TemplateModel: dict[str, Any]
    TemplateAlias: str | None = None
    TemplateId: int | None = None
    MessageStream: str | None = None
    Tag: Annotated[str, Field(max_length=1000)] | None = None
    Metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=10)] | None = None
    ReplyTo: str | None = None
    Cc: str | None = None
    Bcc: str | None = None
    Subject: str | None = None
    Headers: list[dict[str, str]] | None = None
    TrackOpens: bool | None = None
    TrackLinks: str | None = None
    InlineCss: bool | None = None
    Attachments: list[dict[str, Any]] | None = None


class Batch(_Body):
    """POST /email/batchWithTemplates; entries are checked one by one."""

    Messages: list[dict[str, Any]]


class Template(_Body):
    """POST /templates and PUT /templates/{id or alias}."""

    Name: Annotated[str, Field(min_length=1)] | None = None
    Alias: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._\-]*$")] | None = None
    Subject: str | None = None
    HtmlBody: str | None = None
    TextBody: str | None = None
    TemplateType: str | None = None
    LayoutTemplate: str | None = None


class Suppression(_Body):
    """One address of a suppression order."""

    EmailAddress: str


class Suppressions(_Body):
    """POST /message-streams/{stream}/suppressions and …/suppressions/delete."""

    Suppressions: Annotated[list[Suppression], Field(min_length=1, max_length=50)]
