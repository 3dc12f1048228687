"""What exists (catalog.py) and the two places it is built: infra/aws and infra/local."""
