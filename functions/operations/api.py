"""The operator API: one function, a file of routes per room (docs/contributing/adding_a_route.md)."""

from functions.operations.routes import signups
from usher.bootstrap.api import resolver

app = resolver(signups.routes)

handler = app.resolve
