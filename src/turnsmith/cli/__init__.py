"""The command line: one file per command group, argument parsing and printing only."""

from turnsmith.cli import export, recipe, synth, verify
from turnsmith.cli.app import app, main

app.command("verify")(verify.verify)

__all__ = ["app", "export", "main", "recipe", "synth", "verify"]
