"""Stripe as every room calls it: where, with which key, how patiently, and in which lane."""

from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap.admission import admission
from usher.domain.admission import Lane
from usher.ports.platform import Platform
from usher.settings import settings


def stripe_calls(platform: Platform, lane: Lane = "main") -> StripeCalls:
    """`lane`: what gives way to whom when Stripe's limit is near, as in `usher.bootstrap.admission`."""
    here = settings()
    return StripeCalls(
        api_base=here.stripe_api_base,
        api_key=lambda: platform.secrets.get("stripe_api_key"),
        timeout=here.vendor_timeout_seconds,
        admission=admission(platform, lane),
    )
