"""Usher: sign-up to active account, and the subscription's life after that (docs/architecture.md)."""
