"""What each command takes on its command line; its work is in the module of its name in infra/local/cli."""
