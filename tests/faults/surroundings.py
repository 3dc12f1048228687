"""What a world stands in: its secrets, its port, the file of its log."""

import contextlib
import hashlib
import json
import logging
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.local.secrets import FileSecrets
from tests.faults.sign_ups import SIGNUP_SECRET
from tests.faults.vendors import KEYS, STRIPE_SECRET
from usher.bootstrap.observe import logger

LINK_SECRET = "links-of-the-fault-tests"
TOKEN = "product-token-of-the-fault-tests"
TOKENS = {TOKEN: "product"} | {
    f"{role}-token-of-the-fault-tests": role for role in ("viewer", "support", "billing", "admin")
}


def secrets(path: Path) -> FileSecrets:
    """The secrets that the functions of a world read."""
    kept = FileSecrets(path)
    names = {"slack": "slack_webhook"}
    kept.provide({names.get(vendor, f"{vendor}_api_key"): key for vendor, key in KEYS.items()})
    tokens = json.dumps({hashlib.sha256(token.encode()).hexdigest(): role for token, role in TOKENS.items()})
    kept.provide(
        {
            "link_signing": LINK_SECRET,
            "signup_webhook": SIGNUP_SECRET,
            "stripe_webhook": STRIPE_SECRET,
            "access_tokens": tokens,
        }
    )
    return kept


def free_port() -> int:
    """A port below those that systems give to connections: it is still free when the next life binds it."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Keep the functions' log lines in a file beside the test's data instead of on standard output."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    with path.open("a") as file:
        former = handler.setStream(file)
        try:
            yield
        finally:
            handler.setStream(former or sys.stdout)
