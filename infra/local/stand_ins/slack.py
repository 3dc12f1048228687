"""Slack's incoming webhooks on one machine: keeps the posts and shows them at `GET /`."""

import hmac
import html
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State

POST = "POST /services/{team}/{bot}/{token}"
SHOWN = 100


class Message(BaseModel):
    """Body of a post, as far as Usher uses it; unknown fields are refused to catch typos."""

    model_config = ConfigDict(extra="forbid")
    text: str | None = Field(default=None, max_length=40_000)
    blocks: list[dict[str, Any]] | None = Field(default=None, max_length=50)

    @model_validator(mode="after")
    def _says_something(self) -> "Message":
        if not self.text and not self.blocks:
            raise ValueError("no_text")
        return self


class Slack(StandIn):
    """Kind held: message, with `text`, `blocks` and `created`. Answers are plain text, as Slack's are."""

    def routes(self) -> dict[str, Handler]:
        return {POST: self.post, "GET /": self.show}

    def authenticate(self, request: Request) -> None:
        if request.operation != POST:
            return
        hook = "/".join(request.path_params.values())
        wanted = self.config.api_key
        if wanted is not None and not hmac.compare_digest(hook.encode(), wanted.encode()):
            raise Refusal(_text(404, "no_service"))

    def limit(self, request: Request) -> None:
        rate = int(self.config.options.get("posts_per_second", 1))
        if request.operation == POST and self.limits.admit([(request.path, rate, 1.0)]):
            raise Refusal(self.too_many_requests(request))

    def check_request(self, request: Request) -> None:
        if request.operation != POST:
            return
        try:
            Message.model_validate_json(request.body)
        except ValidationError as error:
            code = "no_text" if "no_text" in str(error) else "invalid_payload"
            raise Refusal(_text(400, code)) from None

    def not_found(self, request: Request) -> Answer:
        return _text(404, "no_service")

    def rejected(self, request: Request) -> Answer:
        return _text(400, "invalid_payload")

    def too_many_requests(self, request: Request) -> Answer:
        answer = _text(429, "rate_limited")
        answer.headers["retry-after"] = "1"
        return answer

    def server_error(self, request: Request) -> Answer:
        return _text(500, "rollup_error")

    def post(self, request: Request) -> Answer:
        number = 1 + int(self.state.note("posts") or 0)
        self.state.keep_note("posts", number)
        message = {"id": f"msg_{number:08}", "created": int(self.clock.now())} | request.json()
        self.state.put("message", message)
        return _text(200, "ok")

    def show(self, _: Request) -> Answer:
        rows = "".join(
            f"<li>{html.escape(str(m.get('text') or m.get('blocks')))}</li>"
            for m in self.state.page("message", limit=SHOWN)
        )
        page = (
            f"<!doctype html><meta charset=utf-8><title>Slack stand-in</title><h1>Posts</h1><ol>{rows}</ol>"
        )
        return Answer(200, page.encode(), {"content-type": "text/html; charset=utf-8"})


def _text(status: int, body: str) -> Answer:
    return Answer(status, body.encode(), {"content-type": "text/plain; charset=utf-8"})


def create(state: State, config: Config, data_dir: Path | None) -> Slack:
    """Options: posts_per_second (1)."""
    return Slack(state, config, data_dir)
