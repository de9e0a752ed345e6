"""Which Pythons `python -m tests.long pythons` finds."""

import sys

from tests.long.pythons import SUPPORTED, find_pythons


def test_the_supported_versions_are_those_of_the_document():
    assert SUPPORTED == ("3.11", "3.12", "3.13")


def test_this_python_is_found_once_and_what_does_not_start_is_left_out(tmp_path):
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    here = "{}.{}".format(*sys.version_info[:2])

    found = find_pythons([str(broken), "no-such-python", sys.executable, sys.executable])

    assert found == ({here: sys.executable} if here in SUPPORTED else {})
