"""Measurements of the running bot: `python -m tests.benchmarks NAME`. Not part of the test run.

All figures of one benchmark come from one run, in rounds that take turns, because only their ratios hold on
another machine.
"""
