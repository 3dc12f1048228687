"""Protocols the use cases speak: what Usher asks of the outside world, in its own words."""
