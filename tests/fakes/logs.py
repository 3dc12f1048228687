"""What the functions log, as one text: the logger holds on to the output it was made with."""

import io
from collections.abc import Iterator

import pytest

from usher.bootstrap.observe import logger


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged during the test."""
    text = io.StringIO()
    handler = logger.registered_handler
    former = handler.setStream(text)
    yield text
    handler.setStream(former)
