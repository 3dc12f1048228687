"""The vendors on one machine: stateful HTTP servers that the real SDKs talk to (see docs/stand-ins.md)."""
