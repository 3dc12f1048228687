"""The AWS deployment: CDK stacks built from infra/catalog.py."""
