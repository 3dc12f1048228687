"""The parts of the store on one machine; infra/local/sqlite_store.py puts them together."""
