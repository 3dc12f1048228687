"""The logger every function shares: one JSON line per outcome, with ids and never with personal data.

Row B12 of docs/product.md.
"""

import json
import traceback

from aws_lambda_powertools import Logger

logger = Logger(
    service="usher",
    use_rfc3339=True,
    utc=True,
    json_serializer=json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode,
    json_deserializer=str,  # messages are sentences, not to be tried as JSON
)

_OURS = ("/usher/", "/functions/")
_FRAMES = 8


def place_of(error: BaseException) -> list[str]:
    """Where in our own code it was raised, innermost last: `file:line function`, of the last few frames.

    In place of a traceback, which quotes the texts of every chained error, vendors' and parsers' included.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in _OURS)]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in ours[-_FRAMES:]]
