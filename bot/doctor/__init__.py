"""`python -m bot doctor`: checks everything that a first install fails on. One file for each subject.

A check gives findings. It changes nothing, and its texts hold no secret: they name settings, files, hosts and Slack's
error codes.
"""
