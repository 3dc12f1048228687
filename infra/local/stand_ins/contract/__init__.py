"""Contracts derived from the installed SDKs: what a vendor's API takes and answers."""
