"""Chat by a Slack incoming webhook. Slack documents about one post per second and hook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ (read 2026-11)
"""

import socket
from typing import Any
from urllib.error import URLError

from slack_sdk.webhook import WebhookClient

from usher.adapters.vendor_errors import ApiKey, from_status, malformed, reader, silent

_NEVER_SENT = (ConnectionRefusedError, socket.gaierror)


class SlackChat:
    """Fulfils ports/chat.py.

    Args:
        api_base: `https://hooks.slack.com`, or the stand-in's address.
        api_key: the hook's path after `/services/`, for example `T000/B000/XXXX`. It is the secret.
        timeout: seconds per call.
    """

    def __init__(self, *, api_base: str, api_key: ApiKey, timeout: float = 10.0) -> None:
        self._hooks = api_base.rstrip("/") + "/services/"
        self._key, self._timeout = reader(api_key), timeout

    def post(self, *, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        """See ports/chat.py. Posting twice shows two messages: Slack offers no key against it."""
        # The client holds no connection, so one per post costs nothing and follows a rotated key.
        client = WebhookClient(
            self._hooks + self._key(),
            timeout=self._timeout,  # type: ignore[arg-type]  # annotated int, handed to a socket
            retry_handlers=[],
        )
        try:
            answer = client.send(text=text, blocks=blocks)
        except URLError as error:
            raise silent("slack", "post", sent=not isinstance(error.reason, _NEVER_SENT)) from error
        except (OSError, ValueError) as error:  # http.client lets sockets' and parsers' errors through
            raise silent("slack", "post", sent=True) from error
        if answer.status_code >= 400:
            retry_after = answer.headers.get("Retry-After")
            raise from_status("slack", "post", answer.status_code, code=answer.body, retry_after=retry_after)
        if answer.body != "ok":
            raise malformed("slack", "post")
