"""Tests that take minutes to hours: `python -m tests.long NAME`. Neither the README's line nor `.ci/run` runs them."""
