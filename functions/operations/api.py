"""The operator API: one function, a file of routes per room (docs/contributing/adding_a_route.md)."""

from functions.operations.routes import failures, signups
from usher.bootstrap.api import resolver

app = resolver(signups.routes, failures.routes)

handler = app.resolve
