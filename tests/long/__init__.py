"""What takes minutes to hours: `python -m tests.long NAME`. Neither the test run nor `.ci/run` runs it."""
