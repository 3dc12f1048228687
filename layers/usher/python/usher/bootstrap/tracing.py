"""Tracing: on Lambda a segment per run that is found by its correlation id; elsewhere nothing (E5)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from aws_lambda_powertools import Tracer

from usher.settings import settings

LOCAL = "local"


@cache
def _tracer() -> Tracer:
    # Not built at import: the X-Ray SDK behind it costs more time than the rest of a function together.
    return Tracer(service="usher", auto_patch=False)


@contextmanager
def traced(name: str, **annotations: str) -> Iterator[None]:
    """Run the block as a segment of this name, annotated with ids (never with personal data)."""
    if settings().stage == LOCAL:
        yield
        return
    with _tracer().provider.in_subsegment(name=f"## {name}") as segment:
        for key, value in annotations.items():
            segment.put_annotation(key=key, value=value)
        yield
