"""AWS clients whose service does not answer, or answers with an error of the test's choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.stub import Stubber

NOBODY_LISTENS = "http://127.0.0.1:1"  # port 1 is reserved; connections to it are refused


@contextmanager
def unreachable(session: Any, service: str) -> Iterator[Any]:
    """A client of a service that nobody offers."""
    config = Config(retries={"total_max_attempts": 1})
    client = session.client(service, endpoint_url=NOBODY_LISTENS, config=config)
    yield client
    client.close()


@contextmanager
def answering_error(
    session: Any, service: str, operation: str, code: str, status: int = 400
) -> Iterator[Any]:
    """A client whose next call of `operation` (snake_case) gets the error `code`."""
    client = session.client(service)
    with Stubber(client) as stub:
        stub.add_client_error(operation, service_error_code=code, http_status_code=status)
        yield client
    client.close()
