"""Measurements, one command each; figures with machine and date are in docs/benchmarks.md."""
