"""The parts of infra/catalog.py, each a kind of thing or the functions of a room."""
