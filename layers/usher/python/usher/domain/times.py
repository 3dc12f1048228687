"""Times as text: the one form in which records and events hold a moment."""

from datetime import UTC, datetime


def text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z; such texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: str) -> datetime:
    """The moment a text of ours (or any RFC 3339 text) names. Raises ValueError."""
    return datetime.fromisoformat(value.upper())  # it may say t and z
