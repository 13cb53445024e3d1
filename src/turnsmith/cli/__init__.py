"""The command line: one file per command group, argument parsing and printing only; `commands.py` lists them."""

from turnsmith.cli.app import app, main

__all__ = ["app", "main"]
