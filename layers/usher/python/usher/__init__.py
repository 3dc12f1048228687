"""Usher: sign-up to active account, and the subscription's life after that. Floors are listed in docs/architecture.md."""
