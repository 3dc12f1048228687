"""How one stand-in is set up: what the runner decides, handed over as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Config:
    """Settings every stand-in understands; `options` are the vendor's own.

    Args:
        api_key: the only key accepted; None accepts any key that has the vendor's form.
        enforce_limits: answer 429 above the vendor's documented rates.
        check_contract: hold answers against the SDK's models (requests are always checked).
        webhook_url, webhook_secret: where events go and what signs or authenticates them; None sends none.
        seed: decides what is duplicated and reordered, where `options` ask for it.
    """

    api_key: str | None = None
    enforce_limits: bool = False
    check_contract: bool = True
    webhook_url: str | None = None
    webhook_secret: str | None = None
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values; `Config(**value)` reads them back."""
        return asdict(self)
