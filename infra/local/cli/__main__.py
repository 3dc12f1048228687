"""`python -m infra.local.cli`: the command `usher` where it is not installed."""

from infra.local.cli import main

main()
