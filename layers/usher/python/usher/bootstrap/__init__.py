"""Where ports meet adapters, one file per room, and the wrappers every function wears."""
