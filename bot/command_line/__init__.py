"""The commands of `python -m bot`: a file for each subject, with its arguments and what it runs."""
