"""Bodies that the product's provisioning API takes, and the answers it gives when one is wrong."""

import hashlib
import json
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from infra.local.stand_ins.http import Answer

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127}")
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Text = Annotated[str, Field(min_length=1, max_length=256)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
Phone = Annotated[str, Field(pattern=rf"^{PHONE.pattern}$")]


class Identity(BaseModel):
    """Body of PUT /v1/identities/{account_id}."""

    model_config = ConfigDict(extra="forbid")
    email: Email
    name: Text
    sso_subject: Text | None = None


class Tenant(BaseModel):
    """Body of PUT /v1/tenants/{account_id}."""

    model_config = ConfigDict(extra="forbid")
    company: Text
    plan: Name


class Subdomain(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/subdomain."""

    model_config = ConfigDict(extra="forbid")
    wanted: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?$")]


class Flags(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/flags."""

    model_config = ConfigDict(extra="forbid")
    flags: dict[Name, StrictBool]


class Suspension(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/suspension."""

    model_config = ConfigDict(extra="forbid")
    reason: Text


class Team(BaseModel):
    """Body of PUT /v1/teams/{account_id}."""

    model_config = ConfigDict(extra="forbid")
    name: Text
    phone: Phone
    email: Email | None = None


class Link(BaseModel):
    """Body of PUT /v1/teams/{team_id}/link."""

    model_config = ConfigDict(extra="forbid")
    account_id: Name


class Nothing(BaseModel):
    """An empty body."""

    model_config = ConfigDict(extra="forbid")


class Credits(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/credits/{grant}."""

    model_config = ConfigDict(extra="forbid")
    amount: Annotated[StrictInt, Field(gt=0, le=10**12)]


BODIES: dict[str, type[BaseModel]] = {
    "PUT /v1/identities/{account_id}": Identity,
    "PUT /v1/tenants/{account_id}": Tenant,
    "PUT /v1/tenants/{tenant_id}/subdomain": Subdomain,
    "PUT /v1/tenants/{tenant_id}/flags": Flags,
    "PUT /v1/tenants/{tenant_id}/api-keys/{name}": Nothing,
    "PUT /v1/tenants/{tenant_id}/credits/{grant}": Credits,
    "PUT /v1/tenants/{tenant_id}/suspension": Suspension,
    "PUT /v1/teams/{account_id}": Team,
    "PUT /v1/teams/{team_id}/link": Link,
}


def id_of(prefix: str, *names: str) -> str:
    """An id that depends on nothing but the names, so that making an object again gives it back its id."""
    return f"{prefix}_" + hashlib.sha256("/".join((prefix, *names)).encode()).hexdigest()[:20]


def error(status: int, code: str, message: str, fields: list[str] | None = None) -> Answer:
    found = {"code": code, "message": message} | ({"fields": fields} if fields else {})
    return Answer(status, json.dumps({"error": found}).encode(), {"content-type": "application/json"})
