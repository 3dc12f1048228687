"""The Stripe stand-in, one file per family of resources; server.py puts them together."""

from infra.local.stand_ins.stripe.server import StripeStandIn, create

__all__ = ["StripeStandIn", "create"]
