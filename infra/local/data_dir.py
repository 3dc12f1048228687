"""The folder one local Usher lives in: its lock, its version, its ports and keys, and dev.env for others.

lock          held while an Usher runs here; names its process
version       the layout of this folder, so that no Usher works on data it does not understand
ports.json    chosen at the first start, the same from then on
keys.json     tokens and passwords made at the first start; secrets.json: those the functions read
dev.env       where everything is and how to call it
logs/  stand_ins/  and the databases of the runner
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import random
import secrets
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from infra.local.secrets import FileSecrets

T = TypeVar("T")
VERSION = 2  # 2: the outbox is keyed by shard and time
VENDORS = ("stripe", "hubspot", "postmark", "product", "slack")
ROLES = ("viewer", "support", "billing", "admin")
DEFAULT_PORT = 8080
HOST = "127.0.0.1"
_EPHEMERAL = 32768  # from here on systems hand out ports to clients: a listener there may find its port taken
_RELEASE_SECONDS = 5.0  # how long the processes of a killed Usher may take to let go of their ports


class DataDirRefused(Exception):
    """Usher cannot run on this folder. The message is one line for a person and says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where Usher and each vendor stand-in listen."""

    usher: int
    vendors: Mapping[str, int]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.usher}"

    def vendor_url(self, vendor: str) -> str:
        return f"http://{HOST}:{self.vendors[vendor]}"


class DataDir:
    """An open data directory; `opened` makes one and holds its lock.

    Attributes:
        recovered: the Usher before this one ended without releasing the lock (kill -9, power cut).
    """

    def __init__(self, path: Path, *, recovered: bool) -> None:
        self.path, self.recovered = path, recovered
        self.secrets = FileSecrets(path / "secrets.json")

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def stand_ins(self) -> Path:
        return self.path / "stand_ins"

    @property
    def dev_env(self) -> Path:
        return self.path / "dev.env"

    def choose_ports(self, wanted: int | None) -> Ports:
        """The ports of the last start; those that are missing are chosen now and remembered.

        Args:
            wanted: Usher's own port; None keeps the last one (8080 at first), 0 picks a free one once.

        Raises:
            DataDirRefused: something else listens on one of them.
        """
        path = self.path / "ports.json"
        known: dict[str, int] = kept(path, {})
        usher = wanted or known.get("usher") or (DEFAULT_PORT if wanted is None else 0)
        if usher == 0:
            usher = next(_free_ports(random.randrange(20_000, 30_000)))
        else:
            self._require_free(usher, "choose another with --port", patience=self.recovered)
        start = usher + 1 if usher < _EPHEMERAL - 100 else random.randrange(20_000, 30_000)
        free = _free_ports(start)
        vendors = {}
        for vendor in VENDORS:
            port = known.get(vendor)
            if port is None:
                port = next(port for port in free if port not in known.values())
            else:
                todo = f"end what listens there, or delete {path} to choose new ports"
                self._require_free(port, f"it belongs to the {vendor} stand-in: {todo}", patience=True)
            vendors[vendor] = port
        write_private(path, json.dumps({"usher": usher, **vendors}, indent=1))
        return Ports(usher, vendors)

    def _require_free(self, port: int, todo: str, *, patience: bool) -> None:
        give_up = time.monotonic() + (_RELEASE_SECONDS if patience else 0.0)
        while not _is_free(port):
            if time.monotonic() > give_up:
                raise DataDirRefused(f"port {port} is in use; {todo}")
            time.sleep(0.05)

    def provide_keys(self) -> dict[str, str]:
        """What dev.env says besides addresses, the same at every start; made at the first one.

        Also fills secrets.json with what the functions need, by the names of infra/catalog.py.
        """
        path = self.path / "keys.json"
        keys: dict[str, str] = kept(path, {})
        for name, make in _KEYS.items():
            keys.setdefault(name, make())
        write_private(path, json.dumps(keys, indent=1))
        tokens = {keys["USHER_PRODUCT_TOKEN"]: "product"}
        tokens |= {keys[f"USHER_OPERATOR_TOKEN_{role.upper()}"]: role for role in ROLES}
        hashed = {hashlib.sha256(token.encode()).hexdigest(): role for token, role in tokens.items()}
        kept(self.path / "secrets.json", {})  # that it can be read
        self.secrets.provide({name: make() for name, (_, make) in _SECRETS.items()})
        self.secrets.provide({"link_signing": secrets.token_hex(32)})
        self.secrets.provide({"access_tokens": json.dumps(hashed)})
        return keys | {variable: self.secrets.get(name) for name, (variable, _) in _SECRETS.items()}

    def write_dev_env(self, ports: Ports, keys: Mapping[str, str]) -> None:
        """Write dev.env, whole or not at all; only its owner may read it."""
        values = {"USHER_URL": ports.url, **keys}
        values |= {f"{vendor.upper()}_API_BASE": ports.vendor_url(vendor) for vendor in VENDORS}
        order = ["USHER_URL", *(name for name in sorted(values) if name != "USHER_URL")]
        write_private(self.dev_env, "".join(f"{name}={values[name]}\n" for name in order))


def _token(prefix: str) -> Callable[[], str]:
    return lambda: prefix + secrets.token_urlsafe(24)


_KEYS: dict[str, Callable[[], str]] = {
    "USHER_POSTMARK_WEBHOOK_USER": lambda: "postmark",
    "USHER_POSTMARK_WEBHOOK_PASSWORD": _token(""),
    "USHER_PRODUCT_TOKEN": _token("product_"),
    **{f"USHER_OPERATOR_TOKEN_{role.upper()}": _token(f"{role}_") for role in ROLES},
}
_SECRETS: dict[str, tuple[str, Callable[[], str]]] = {
    "signup_webhook": (
        "USHER_SIGNUP_SECRET",
        lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
    ),
    "stripe_webhook": ("USHER_STRIPE_WEBHOOK_SECRET", lambda: "whsec_" + secrets.token_hex(24)),
    "stripe_api_key": ("STRIPE_API_KEY", lambda: "sk_test_" + secrets.token_hex(24)),
    "hubspot_api_key": ("HUBSPOT_API_KEY", lambda: f"pat-na1-{uuid.uuid4()}"),
    "postmark_api_key": ("POSTMARK_API_KEY", lambda: str(uuid.uuid4())),
    "product_api_key": ("PRODUCT_API_KEY", _token("prd_")),
    "slack_webhook": (
        "SLACK_API_KEY",
        lambda: f"T{secrets.token_hex(4)}/B{secrets.token_hex(4)}/{secrets.token_hex(12)}".upper(),
    ),
}


def kept(path: Path, otherwise: T) -> T:
    """What a JSON file of the folder holds, `otherwise` when there is none. Raises DataDirRefused."""
    if not path.exists():
        return otherwise
    try:
        value = json.loads(path.read_text())
        if type(value) is not type(otherwise):
            raise ValueError("not what is kept there")
    except (OSError, ValueError) as error:
        raise DataDirRefused(
            f"{path} cannot be read ({error}); put it back from a copy, or choose another place with --data"
        ) from error
    return value


@contextlib.contextmanager
def opened(path: Path) -> Iterator[DataDir]:
    """The data directory at `path`, made when missing, locked until the block ends.

    Raises:
        DataDirRefused: another Usher holds it, it cannot be written, or a newer Usher wrote it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirRefused(
            f"cannot write in {path}: {error.strerror}; choose another place with --data"
        ) from error
    try:
        recovered = _take(lock, path)
        try:
            _check_version(path)
            (path / "logs").mkdir(exist_ok=True)
            (path / "stand_ins").mkdir(exist_ok=True)
        except OSError as error:
            raise DataDirRefused(
                f"cannot write in {path}: {error.strerror}; choose another place with --data"
            ) from error
        try:
            yield DataDir(path, recovered=recovered)
        finally:
            os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def holder(path: Path) -> int | None:
    """The process whose Usher holds this data directory now; None when nobody does."""
    try:
        lock = os.open(path / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _process_in(lock)
    finally:
        os.close(lock)
    return None


def read_dev_env(path: Path) -> dict[str, str]:
    """The variables of a dev.env file. Raises OSError when there is none."""
    lines = path.read_text().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines) if value}


def _take(lock: int, path: Path) -> bool:
    """Hold the lock; returns whether its last holder died with it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when a process dies
    except BlockingIOError:
        process = _process_in(lock)
        who = f"process {process}" if process else "another process"
        raise DataDirRefused(
            f"{path} is in use by the Usher of {who}; stop it, or choose another place with --data"
        ) from None
    stale = _process_in(lock) is not None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return stale


def _process_in(lock: int) -> int | None:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _check_version(path: Path) -> None:
    file = path / "version"
    if not file.exists():
        write_private(file, f"{VERSION}\n")
        return
    text = file.read_text().strip()
    if not text.isdigit():
        raise DataDirRefused(f"{file} says {text[:20]!r}, which is no version; choose another --data")
    if int(text) != VERSION:
        whose, advice = (
            ("a newer", "update this checkout") if int(text) > VERSION else ("an earlier", "move it away")
        )
        raise DataDirRefused(
            f"{path} was written by {whose} Usher (layout {text}, this one knows {VERSION}); "
            f"{advice}, or choose another place with --data"
        )


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner only."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o077 == 0:
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(start: int) -> Iterator[int]:
    return (port for port in range(start, 65536) if _is_free(port))
