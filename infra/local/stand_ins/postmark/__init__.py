"""Postmark on one machine: templates, templated mails one by one and in batches, search, suppressions."""

import hmac
import uuid
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.postmark import bodies, mustachio, viewer
from infra.local.stand_ins.postmark.messages import Fault, address, matches, moment, summary
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State

STREAMS = ("outbound", "broadcast")
BATCH = 500
_VIEWER = ("GET /", "GET /messages/{id}")


class Postmark(StandIn):
    """Kinds held: template (label: alias), message (label: metadata `mail_id`), suppression."""

    def __init__(self, state: State, config: Config, data_dir: Path | None = None) -> None:
        super().__init__(state, config, data_dir)
        self.index_lag = float(config.options.get("index_lag_seconds", 0))

    def routes(self) -> dict[str, Handler]:
        streams = "/message-streams/{stream}/suppressions"
        return {
            "POST /email/withTemplate": self.send,
            "POST /email/batchWithTemplates": self.send_batch,
            "GET /messages/outbound": self.search,
            "GET /messages/outbound/{id}/details": self.details,
            "GET /templates": self.list_templates,
            "POST /templates": self.create_template,
            "GET /templates/{id}": self.get_template,
            "PUT /templates/{id}": self.edit_template,
            "DELETE /templates/{id}": self.delete_template,
            f"GET {streams}/dump": self.list_suppressions,
            f"POST {streams}": self.suppress,
            f"POST {streams}/delete": self.unsuppress,
            "GET /": lambda _: viewer.listing(self.state.page("message", limit=200)),
            "GET /messages/{id}": self.view,
        }

    def control_routes(self) -> dict[str, Handler]:
        return {"POST /_control/index": self.set_index_lag}

    # -- hooks -----------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> None:
        if request.operation in _VIEWER:
            return
        token, wanted = request.headers.get("x-postmark-server-token", ""), self.config.api_key
        if not token or (wanted is not None and not hmac.compare_digest(token.encode(), wanted.encode())):
            raise Refusal(_error(401, 10, "Bad or missing Server API token."))

    def limit(self, request: Request) -> None:
        rate = int(self.config.options.get("requests_per_second", 100))
        if self.limits.admit([("all", rate, 1.0)]):
            raise Refusal(self.too_many_requests(request))

    def not_found(self, request: Request) -> Answer:
        return _error(404, 404, "The requested resource does not exist.")

    def rejected(self, request: Request) -> Answer:
        return _error(422, 300, "Invalid email request.")

    def too_many_requests(self, request: Request) -> Answer:
        return _error(429, 429, "Rate limit exceeded.")

    def server_error(self, request: Request) -> Answer:
        return _error(500, 500, "Internal server error.")

    def set_index_lag(self, request: Request) -> Any:
        """How many seconds of wall time pass until a mail is found by search."""
        self.index_lag = float(request.json()["lag_seconds"])
        return {"lag_seconds": self.index_lag}

    # -- mails -----------------------------------------------------------------------------------

    def send(self, request: Request) -> Any:
        try:
            return self._accept(_body(request))
        except Fault as fault:
            return Answer.of(fault.body, 422)

    def send_batch(self, request: Request) -> Any:
        messages = _parse(bodies.Batch, _body(request)).Messages
        if len(messages) > BATCH:
            return _error(422, 410, f"A batch holds at most {BATCH} messages.")
        return Answer.of([self._accept_or_say(message) for message in messages])

    def _accept_or_say(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._accept(message)
        except Fault as fault:
            return fault.body
        except Refusal as refusal:
            body: dict[str, Any] = refusal.answer.json()
            return body

    def _accept(self, value: dict[str, Any]) -> dict[str, Any]:
        mail = _parse(bodies.TemplatedMail, value)
        stream = mail.MessageStream or STREAMS[0]
        if stream not in STREAMS:
            raise Fault(1235, "The message stream does not exist on this server.")
        recipients = [address(part, "To") for part in mail.To.split(",")]
        address(mail.From, "From")
        template = self._template(mail.TemplateAlias or str(mail.TemplateId))
        if all(self.state.get("suppression", f"{stream}/{to}") for to in recipients):
            raise Fault(406, f"All recipients are inactive: {', '.join(recipients)}.")
        return self._keep(mail, stream, recipients, template)

    def _keep(
        self, mail: bodies.TemplatedMail, stream: str, recipients: list[str], template: dict[str, Any]
    ) -> dict[str, Any]:
        id, at = str(uuid.uuid4()), moment(self.clock.now())
        message = {
            "id": id,
            "MessageID": id,
            "created": int(self.clock.now()),
            "indexed_at": self.clock.wall(),
            "ReceivedAt": at,
            "From": mail.From,
            "To": [{"Email": to, "Name": None} for to in recipients],
            "Recipients": recipients,
            "Subject": mustachio.render(template["Subject"], mail.TemplateModel, escape=False),
            "HtmlBody": mustachio.render(template["HtmlBody"] or "", mail.TemplateModel, escape=True),
            "TextBody": mustachio.render(template["TextBody"] or "", mail.TemplateModel, escape=False),
            "Template": template["Alias"],
            "MessageStream": stream,
            "Tag": mail.Tag,
            "Metadata": mail.Metadata or {},
            "Status": "Sent",
        }
        self.state.put("message", message, label=message["Metadata"].get("mail_id"))
        return {"To": mail.To, "SubmittedAt": at, "MessageID": id, "ErrorCode": 0, "Message": "OK"}

    def search(self, request: Request) -> Any:
        query = request.query
        try:
            count, offset = int(query["count"]), int(query["offset"])
        except (KeyError, ValueError):
            return _error(422, 600, "count and offset are required numbers.")
        if count > 500 or count + offset > 10_000:
            return _error(422, 600, "count is at most 500, and count plus offset at most 10000.")
        wall, mail_id = self.clock.wall(), query.get("metadata_mail_id")
        found = [
            message
            for message in self.state.page("message", label=mail_id)
            if message["indexed_at"] + self.index_lag <= wall and matches(message, query)
        ]
        page = [summary(message) for message in found[offset : offset + count]]
        return {"TotalCount": len(found), "Messages": page}

    def details(self, request: Request) -> Any:
        message = self.state.get("message", request.path_params["id"])
        if message is None:
            return _error(422, 701, "This message was not found.")
        return summary(message) | {
            "HtmlBody": message["HtmlBody"],
            "TextBody": message["TextBody"],
            "MessageEvents": [],
        }

    def view(self, request: Request) -> Any:
        message = self.state.get("message", request.path_params["id"])
        return viewer.message(message) if message else self.not_found(request)

    # -- templates -------------------------------------------------------------------------------

    def _template(self, name: str) -> dict[str, Any]:
        found = self.state.find("template", name) or self.state.get("template", name)
        if found is None:
            raise Fault(1101, f"The template {name!r} was not found.")
        return found

    def list_templates(self, request: Request) -> Any:
        found = self.state.page("template", oldest_first=True)
        names = ("TemplateId", "Name", "Alias", "Active", "TemplateType")
        listed = [{name: template[name] for name in names} for template in found]
        return {"TotalCount": len(listed), "Templates": listed}

    def get_template(self, request: Request) -> Any:
        try:
            return self._template(request.path_params["id"])
        except Fault as fault:
            return Answer.of(fault.body, 422)

    def create_template(self, request: Request) -> Any:
        wanted = _checked_template(_body(request))
        if not wanted.Name or not wanted.Subject or not (wanted.HtmlBody or wanted.TextBody):
            return _error(422, 1105, "A template needs a name, a subject and a body.")
        if wanted.Alias and self.state.find("template", wanted.Alias):
            return _error(422, 1109, "Another template has this alias.")
        number = 1 + int(self.state.note("templates") or 0)
        self.state.keep_note("templates", number)
        template = {
            "id": str(number),
            "TemplateId": number,
            "created": int(self.clock.now()),
            "Active": True,
            "TemplateType": "Standard",
            "AssociatedServerId": 1,
            "LayoutTemplate": None,
            **{
                field: getattr(wanted, field)
                for field in ("Name", "Alias", "Subject", "HtmlBody", "TextBody")
            },
        }
        return self._store_template(template)

    def edit_template(self, request: Request) -> Any:
        changes = _checked_template(_body(request)).model_dump(exclude_none=True)
        try:
            return self._store_template(self._template(request.path_params["id"]) | changes)
        except Fault as fault:
            return Answer.of(fault.body, 422)

    def _store_template(self, template: dict[str, Any]) -> dict[str, Any]:
        self.state.put("template", template, label=template["Alias"])
        return {name: template[name] for name in ("TemplateId", "Name", "Alias", "Active", "TemplateType")}

    def delete_template(self, request: Request) -> Any:
        try:
            template = self._template(request.path_params["id"])
        except Fault as fault:
            return Answer.of(fault.body, 422)
        self.state.delete("template", template["id"])
        return {"ErrorCode": 0, "Message": f"Template {template['TemplateId']} removed."}

    # -- suppressions ----------------------------------------------------------------------------

    def list_suppressions(self, request: Request) -> Any:
        found = self.state.page("suppression", owner=request.path_params["stream"])
        return {"Suppressions": [{k: v for k, v in s.items() if k not in ("id", "created")} for s in found]}

    def suppress(self, request: Request) -> Any:
        return self._change_suppressions(request, "Suppressed")

    def unsuppress(self, request: Request) -> Any:
        return self._change_suppressions(request, "Deleted")

    def _change_suppressions(self, request: Request, status: str) -> Any:
        stream, answers = request.path_params["stream"], []
        for entry in _parse(bodies.Suppressions, _body(request)).Suppressions:
            suppressed = entry.EmailAddress.lower()
            id = f"{stream}/{suppressed}"
            if status == "Deleted":
                self.state.delete("suppression", id)
            else:
                value = {
                    "id": id,
                    "created": int(self.clock.now()),
                    "EmailAddress": suppressed,
                    "SuppressionReason": "ManualSuppression",
                    "Origin": "Customer",
                    "CreatedAt": moment(self.clock.now()),
                }
                self.state.put("suppression", value, owner=stream)
            answers.append({"EmailAddress": suppressed, "Status": status, "Message": None})
        return {"Suppressions": answers}


def _body(request: Request) -> Any:
    try:
        return request.json()
    except ValueError:
        raise Refusal(_error(422, 402, "Invalid JSON.")) from None


def _parse(model: Any, value: Any) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        names = {".".join(map(str, e["loc"])) for e in error.errors(include_input=False)}
        raise Refusal(_error(422, 300, f"Invalid fields: {', '.join(sorted(names))}.")) from None


def _checked_template(value: Any) -> Any:
    template = _parse(bodies.Template, value)
    for field in ("Subject", "HtmlBody", "TextBody"):
        try:
            mustachio.check(getattr(template, field) or "")
        except mustachio.TemplateError as error:
            raise Refusal(_error(422, 1122, f"{field}: {error}.")) from None
    return template


def _error(status: int, code: int, message: str) -> Answer:
    return Answer.of({"ErrorCode": code, "Message": message}, status)


def create(state: State, config: Config, data_dir: Path | None) -> Postmark:
    """Options: index_lag_seconds (0), requests_per_second (100)."""
    return Postmark(state, config, data_dir)
