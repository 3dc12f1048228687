"""What every Secrets promises: Secrets Manager (through moto) and the local file answer alike."""

import json
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest

from infra.local.secrets import KEEP_SECONDS as LOOK_SECONDS
from infra.local.secrets import FileSecrets
from tests.contract.aws import REGION
from usher.adapters.secrets_manager import KEEP_SECONDS, SecretsManager
from usher.domain.errors import NotFound
from usher.ports.secrets import Secrets
from usher.settings import MissingSetting, Settings


class Vault(NamedTuple):
    """The adapter, how an operator puts a value, and how time passes until it is seen."""

    secrets: Secrets
    put: Callable[[str], object]
    wait: Callable[[], None]


@pytest.fixture(params=["file", "secrets manager"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    if request.param == "file":
        path = tmp_path / "secrets.json"
        operator = FileSecrets(path)  # another process: it shares nothing but the file
        now = [0.0]
        yield Vault(
            FileSecrets(path, ticks=lambda: now[0]),
            lambda value: operator.rotate("stripe_api_key", value),
            lambda: now.__setitem__(0, now[0] + LOOK_SECONDS),
        )
        return
    client = request.getfixturevalue("aws").client("secretsmanager")
    name = f"vault-{abs(hash(request.node.name))}"
    arn = client.create_secret(Name=name)["ARN"]
    ticks = [0.0]
    yield Vault(
        SecretsManager(
            client, Settings(region=REGION, secrets={"stripe_api_key": arn}), ticks=lambda: ticks[0]
        ),
        lambda value: client.put_secret_value(SecretId=arn, SecretString=value),
        lambda: ticks.__setitem__(0, ticks[0] + KEEP_SECONDS),
    )
    client.close()


def test_a_secret_without_value_is_not_found(vault: Vault) -> None:
    with pytest.raises(NotFound, match="stripe_api_key"):
        vault.secrets.get("stripe_api_key")
    with pytest.raises(NotFound, match="stripe_api_key"):
        vault.secrets.active("stripe_api_key")


def test_a_new_secret_has_one_active_value(vault: Vault) -> None:
    vault.put("one")
    assert vault.secrets.get("stripe_api_key") == "one"
    assert vault.secrets.active("stripe_api_key") == ("one",)


def test_the_former_value_stays_active_until_the_next_rotation(vault: Vault) -> None:
    vault.put("one")
    vault.put("two")
    assert vault.secrets.get("stripe_api_key") == "two"
    assert vault.secrets.active("stripe_api_key") == ("two", "one")
    vault.put("three")
    vault.wait()
    assert vault.secrets.active("stripe_api_key") == ("three", "two")


def test_a_hot_function_asks_once_in_a_while(aws: boto3.session.Session) -> None:
    client = aws.client("secretsmanager")
    arn = client.create_secret(Name="hot", SecretString="one")["ARN"]
    ticks = [0.0]
    secrets = SecretsManager(client, Settings(region=REGION, secrets={"hot": arn}), ticks=lambda: ticks[0])
    assert secrets.get("hot") == "one"
    client.put_secret_value(SecretId=arn, SecretString="two")
    ticks[0] = KEEP_SECONDS - 1
    assert secrets.get("hot") == "one"
    ticks[0] = KEEP_SECONDS
    assert secrets.get("hot") == "two"
    client.close()


def test_a_secret_the_function_was_not_given_names_the_setting(aws: boto3.session.Session) -> None:
    client = aws.client("secretsmanager")
    with pytest.raises(MissingSetting, match="USHER_SECRET_OTHER"):
        SecretsManager(client, Settings()).get("other")
    client.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    secrets = FileSecrets(path)
    secrets.provide({"a": "hush"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets.rotate("a", "hush hush")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.json"]
    assert "hush" not in repr(secrets)


def test_provided_values_never_replace_what_is_there(tmp_path: Path) -> None:
    secrets = FileSecrets(tmp_path / "secrets.json")
    secrets.provide({"a": "1"})
    secrets.provide({"a": "2", "b": "3"})
    again = FileSecrets(tmp_path / "secrets.json")
    assert (again.active("a"), again.active("b")) == (("1",), ("3",))


def test_rotations_from_many_threads_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    secrets = FileSecrets(path)
    threads = [threading.Thread(target=secrets.rotate, args=(f"s{n}", "v")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text()) == {f"s{n}": ["v"] for n in range(20)}
