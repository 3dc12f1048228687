"""The CRM, mail, provisioning and chat ports in memory, for tests of use cases.

Each keeps what it was asked to do, and raises the errors put into `errors` first, one per call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usher.domain.errors import UsherError, VendorRejected, VendorUnavailable
from usher.ports.crm import CrmIds, CrmProfile
from usher.ports.mail import Mail


@dataclass
class _Recording:
    errors: list[UsherError] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)

    def _called(self, correlation_id: str | None = None) -> None:
        if correlation_id is not None:
            self.correlation_ids.append(correlation_id)
        if self.errors:
            raise self.errors.pop(0)


@dataclass
class RecordingCrm(_Recording):
    """`profiles` by account id, the latest of each."""

    profiles: dict[str, CrmProfile] = field(default_factory=dict)

    def upsert(self, profile: CrmProfile, *, correlation_id: str) -> CrmIds:
        self._called(correlation_id)
        self.profiles[profile.account_id] = profile
        key = profile.subscription_id or profile.account_id
        return CrmIds(
            contact_id=f"contact-{profile.email.lower()}",
            company_id=f"company-{profile.account_id}",
            subscription_object_id=f"subscription-{key}",
        )

    def upsert_many(self, items: Sequence[tuple[CrmProfile, str]]) -> list[CrmIds | UsherError]:
        outcomes: list[CrmIds | UsherError] = []
        for profile, correlation_id in items:
            try:
                outcomes.append(self.upsert(profile, correlation_id=correlation_id))
            except (VendorUnavailable, VendorRejected) as error:
                outcomes.append(error)
        return outcomes


@dataclass
class RecordingMailer(_Recording):
    """`sent` in order. `lost_answers` mails go out and then raise the error given."""

    sent: list[Mail] = field(default_factory=list)
    lost_answers: list[UsherError] = field(default_factory=list)
    index_lags: bool = False

    def send(self, mail: Mail) -> str:
        self._called(mail.correlation_id)
        self.sent.append(mail)
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return f"message-{len(self.sent)}"

    def send_many(self, mails: Sequence[Mail]) -> list[str | UsherError]:
        outcomes: list[str | UsherError] = []
        for mail in mails:
            try:
                outcomes.append(self.send(mail))
            except (VendorUnavailable, VendorRejected) as error:
                outcomes.append(error)
        return outcomes

    def find(self, mail_id: str) -> str | None:
        self._called()
        numbers = [number for number, mail in enumerate(self.sent, 1) if mail.mail_id == mail_id]
        return f"message-{numbers[-1]}" if numbers and not self.index_lags else None


@dataclass
class RecordingProvisioner(_Recording):
    """What exists by name: `identities` and `tenants` by account, the rest by tenant."""

    identities: dict[str, dict[str, Any]] = field(default_factory=dict)
    tenants: dict[str, dict[str, Any]] = field(default_factory=dict)
    subdomains: dict[str, str] = field(default_factory=dict)
    flags: dict[str, dict[str, bool]] = field(default_factory=dict)
    api_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    credits: dict[tuple[str, str], int] = field(default_factory=dict)

    def put_identity(
        self, *, account_id: str, email: str, name: str, sso_subject: str | None, correlation_id: str
    ) -> str:
        self._called(correlation_id)
        self.identities[account_id] = {"email": email, "name": name, "sso_subject": sso_subject}
        return f"usr_{account_id}"

    def put_tenant(self, *, account_id: str, company: str, plan: str, correlation_id: str) -> str:
        self._called(correlation_id)
        self.tenants[account_id] = {"company": company, "plan": plan}
        return f"ten_{account_id}"

    def put_subdomain(self, *, tenant_id: str, wanted: str, correlation_id: str) -> str:
        self._called(correlation_id)
        taken = wanted in self.subdomains.values()
        return self.subdomains.setdefault(tenant_id, f"{wanted}-{len(self.subdomains)}" if taken else wanted)

    def put_flags(self, *, tenant_id: str, flags: Mapping[str, bool], correlation_id: str) -> None:
        self._called(correlation_id)
        self.flags[tenant_id] = dict(flags)

    def put_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> str:
        self._called(correlation_id)
        return self.api_keys.setdefault((tenant_id, key_name), f"key_{tenant_id}_{key_name}")

    def put_credits(self, *, tenant_id: str, grant: str, amount: int, correlation_id: str) -> None:
        self._called(correlation_id)
        if self.credits.setdefault((tenant_id, grant), amount) != amount:
            raise VendorRejected("this grant was given with another amount", code="grant_used", status=422)

    def delete_identity(self, *, account_id: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.identities.pop(account_id, None)

    def delete_tenant(self, *, account_id: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.tenants.pop(account_id, None)
        tenant_id = f"ten_{account_id}"
        self.subdomains.pop(tenant_id, None)
        self.flags.pop(tenant_id, None)
        self.api_keys = {key: id for key, id in self.api_keys.items() if key[0] != tenant_id}
        self.credits = {key: amount for key, amount in self.credits.items() if key[0] != tenant_id}

    def delete_subdomain(self, *, tenant_id: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.subdomains.pop(tenant_id, None)

    def delete_flags(self, *, tenant_id: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.flags.pop(tenant_id, None)

    def delete_api_key(self, *, tenant_id: str, key_name: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.api_keys.pop((tenant_id, key_name), None)

    def delete_credits(self, *, tenant_id: str, grant: str, correlation_id: str) -> None:
        self._called(correlation_id)
        self.credits.pop((tenant_id, grant), None)


@dataclass
class RecordingChat(_Recording):
    """`posts` as (text, blocks), in order."""

    posts: list[tuple[str, list[dict[str, Any]] | None]] = field(default_factory=list)

    def post(self, *, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        self._called()
        self.posts.append((text, blocks))
