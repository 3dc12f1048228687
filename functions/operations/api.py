"""The operator API: one function, a file of routes per room (docs/contributing/adding_a_route.md)."""

from functions.operations.routes.rooms import ROOMS
from usher.bootstrap.api import resolver

app = resolver(*(room.routes for room in ROOMS))

handler = app.resolve
