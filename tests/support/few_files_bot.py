"""`python -m tests.support.few_files_bot run`: the real bot, in a process that may open 256 files, as after `ulimit -n 256`."""

import resource
import runpy

FILES = 256

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
