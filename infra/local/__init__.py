"""Usher on one machine: the catalog's resources on SQLite, with the handlers and workflow files AWS runs."""
