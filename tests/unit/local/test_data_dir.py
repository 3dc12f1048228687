"""The data directory: one holder, ports and keys chosen once, dev.env for others."""

import base64
import hashlib
import json
import os
import socket
from pathlib import Path

import pytest

from infra import catalog
from infra.local.data_dir import (
    HOST,
    VENDORS,
    VERSION,
    DataDirRefused,
    holder,
    opened,
    read_dev_env,
)
from infra.local.secrets import FileSecrets


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "usher"


def start(place: Path, port: int | None = 0) -> str:
    """What a start does to the folder; returns its dev.env."""
    with opened(place) as data:
        ports = data.choose_ports(port)
        data.write_dev_env(ports, data.provide_keys())
        return data.dev_env.read_text()


def test_only_its_owner_may_read_what_is_in_it(place: Path) -> None:
    start(place)
    assert place.stat().st_mode & 0o777 == 0o700
    for name in ("dev.env", "keys.json", "secrets.json"):
        assert (place / name).stat().st_mode & 0o777 == 0o600


def test_a_second_start_finds_the_same_ports_and_keys(place: Path) -> None:
    assert start(place) == start(place) == start(place, None)


def test_dev_env_says_where_everything_is_and_how_to_call_it(place: Path) -> None:
    start(place)
    env = read_dev_env(place / "dev.env")
    assert base64.b64decode(env["USHER_SIGNUP_SECRET"].removeprefix("whsec_"), validate=True)
    assert {f"{vendor.upper()}_API_{part}" for vendor in VENDORS for part in ("BASE", "KEY")} <= set(env)
    assert len(set(env.values())) == len(env)


def test_the_functions_secrets_are_all_there_and_hold_tokens_only_by_their_hash(place: Path) -> None:
    start(place)
    env, secrets = read_dev_env(place / "dev.env"), FileSecrets(place / "secrets.json")
    assert {name for name in catalog.SECRETS if secrets.get(name)} == set(catalog.SECRETS)
    roles = json.loads(secrets.get("access_tokens"))
    token = env["USHER_OPERATOR_TOKEN_BILLING"]
    assert roles[hashlib.sha256(token.encode()).hexdigest()] == "billing"
    assert sorted(roles.values()) == ["admin", "billing", "product", "support", "viewer"]
    assert token not in secrets.get("access_tokens")


def test_a_rotated_secret_is_what_dev_env_says(place: Path) -> None:
    start(place)
    FileSecrets(place / "secrets.json").rotate("signup_webhook", "whsec_bmV3")
    assert "USHER_SIGNUP_SECRET=whsec_bmV3\n" in start(place)


def test_a_held_folder_is_refused_and_names_the_process(place: Path) -> None:
    with opened(place), pytest.raises(DataDirRefused, match=f"process {os.getpid()}"), opened(place):
        pass


def test_the_holder_is_known_while_it_holds(place: Path) -> None:
    assert holder(place) is None
    with opened(place):
        assert holder(place) == os.getpid()
    assert holder(place) is None


def test_the_lock_of_a_dead_process_is_taken_over(place: Path) -> None:
    place.mkdir()
    (place / "lock").write_text("999999999\n")
    with opened(place) as data:
        assert data.recovered


def test_an_orderly_end_leaves_nothing_to_recover(place: Path) -> None:
    start(place)
    with opened(place) as data:
        assert not data.recovered


def test_an_older_ushers_folder_is_taken(place: Path) -> None:
    place.mkdir()
    (place / "version").write_text(f"{VERSION}\n")
    with opened(place) as data:
        assert data.path == place


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (str(VERSION + 1), "newer Usher"),
        (str(VERSION - 1), "earlier Usher"),
        ("", "no version"),
        ("one", "no version"),
    ],
)
def test_a_version_it_does_not_know_is_refused(place: Path, version: str, words: str) -> None:
    place.mkdir()
    (place / "version").write_text(version)
    with pytest.raises(DataDirRefused, match=words), opened(place):
        pass
    assert not (place / "logs").exists()


@pytest.mark.parametrize("name", ["ports.json", "keys.json", "secrets.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_damaged_file_is_named(place: Path, name: str, content: bytes) -> None:
    start(place)
    (place / name).write_bytes(content)
    with pytest.raises(DataDirRefused, match=f"{name} cannot be read"):
        start(place)


def test_a_refused_folder_is_free_again_at_once(place: Path) -> None:
    place.mkdir()
    (place / "version").write_text("99")
    with pytest.raises(DataDirRefused), opened(place):
        pass
    assert holder(place) is None


def test_a_taken_port_is_named(place: Path) -> None:
    with socket.create_server((HOST, 0)) as taken, opened(place) as data:
        port = taken.getsockname()[1]
        with pytest.raises(DataDirRefused, match=f"^port {port} is in use; choose another with --port$"):
            data.choose_ports(port)


def test_a_taken_port_of_a_stand_in_says_how_to_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.data_dir._RELEASE_SECONDS", 0.0)
    with opened(place) as data:
        ports = data.choose_ports(0)
        with socket.create_server((HOST, ports.vendors["stripe"])), pytest.raises(DataDirRefused) as caught:
            data.choose_ports(0)
    assert "the stripe stand-in" in str(caught.value)
    assert "ports.json" in str(caught.value)


def test_every_server_gets_a_port_of_its_own(place: Path) -> None:
    with opened(place) as data:
        ports = data.choose_ports(0)
    assert len({ports.usher, *ports.vendors.values()}) == 1 + len(VENDORS)


def test_another_port_may_be_asked_for_later(place: Path) -> None:
    start(place)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free = probe.getsockname()[1]
    assert f"USHER_URL=http://{HOST}:{free}\n" in start(place, free)
    assert f"USHER_URL=http://{HOST}:{free}\n" in start(place, None)
