"""Adapters: the only home of boto3, stripe, hubspot, postmarker and slack_sdk."""
