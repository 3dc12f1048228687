"""Ids derived from the one they follow from, so that doing a step twice makes one thing."""

import base64
import hashlib


def derived(prefix: str, *parts: str) -> str:
    """`prefix_` + 26 characters of base32 that depend on the parts alone (130 bits of SHA-256)."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()[:20]  # 32 characters, without padding
    return f"{prefix}_{base64.b32encode(digest)[:26].decode().lower()}"


def sibling(prefix: str, id: str) -> str:
    """The id with another prefix: the account of sign-up `su_abc` is `acc_abc`."""
    return f"{prefix}_{id.split('_', 1)[1]}"
