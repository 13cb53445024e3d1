"""The one tree of errors.

TurnsmithError            whatever the reader of the terminal should be told
├── UsageError            the call or its configuration is wrong (exit code 2)
└── DataError             the data, a check or the machine failed (exit code 1)
    ├── InputError        an input file can't be used
    ├── EmptyResultError  nothing was left to write
    └── BusyError         another run holds the folder
"""


class TurnsmithError(Exception):
    """Say what was wrong, where, and what to do next; `exit_code` goes to the shell."""

    exit_code = 1


class UsageError(TurnsmithError):
    """Report a wrong option, configuration key or value."""

    exit_code = 2


class DataError(TurnsmithError):
    """Report that the data, a check or the machine failed."""


class InputError(DataError):
    """Report an input file that can't be used."""


class EmptyResultError(DataError):
    """Report that nothing was left to write."""


class BusyError(DataError):
    """Report that another run holds the folder."""
