"""E-mail addresses: when two of them are one person."""

import hashlib

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def folded(email: str) -> str:
    """The form under which an address is unique: case-folded, surrounding space removed."""
    return email.strip().casefold()


def unaliased(email: str) -> str:
    """The folded address without +tag, and without dots where the provider ignores them (trial guard)."""
    local, _, domain = folded(email).rpartition("@")
    local = local.split("+", 1)[0]
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def claim_key(email: str) -> str:
    """The claims-table key of an address; a hash, so that keys hold no personal data."""
    return "email#" + hashlib.sha256(folded(email).encode()).hexdigest()
