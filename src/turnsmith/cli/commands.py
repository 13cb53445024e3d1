"""All commands: where each of them is, and what `turnsmith --help` says of it.

The program starts fast because a command's module, with all that it needs, is imported only when the command is called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Command:
    """Name a command's module and its function or group there, and repeat the first sentence of its help.

    `cls` is the module's own class for the command, None for the usual one.
    """

    module: str
    name: str
    help: str
    cls: str | None = None

    def load(self) -> Callable[..., Any] | typer.Typer:
        """Import the module; return the command's function, or its group."""
        found: Callable[..., Any] | typer.Typer = self._get(self.name)
        return found

    def build(self, name: str) -> Any:
        """Import the module; return the command as Click's object, under its name."""
        found = self.load()
        parent = typer.Typer()
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=name)
        else:
            parent.command(name, cls=self._get(self.cls) if self.cls else None)(found)
        return typer.main.get_group(parent).commands[name]

    def _get(self, name: str) -> Any:
        return getattr(import_module(f"turnsmith.cli.{self.module}"), name)


COMMANDS = {
    "export": Command(
        "export",
        "export_command",
        "Make a curated, stratified and split data set out of telemetry events.",
        "ManyEvents",
    ),
    "run": Command(
        "export",
        "run_command",
        "Run a recipe: telemetry to a data set, assistants' logs or a data set to training files.",
    ),
    "recipe": Command("recipe", "recipe_app", "Show recipes and their schema."),
    "synth": Command("synth", "synth_command", "Generate chat telemetry with the faults of the real thing."),
    "verify": Command(
        "verify", "verify", "Prove every guarantee of a finished data set again, from its files alone."
    ),
    "publish": Command(
        "publish",
        "publish_command",
        "Upload a finished data set to Azure Blob Storage, and compare what arrived.",
    ),
    "forget": Command(
        "forget",
        "forget_command",
        "Write a new version of a data set without a person or conversations, and a receipt; delete the old one.",
    ),
    "leakage": Command(
        "leakage",
        "leakage_command",
        "Measure which requests of a split stand in another one: exactly, nearly, or by the same user.",
    ),
    "query": Command("query", "query_app", "List, show, check and run KQL queries."),
    "kusto": Command("kusto", "kusto_app", "Rehearse with a Kusto server on this machine."),
    "import": Command(
        "import_logs",
        "import_command",
        "Make chat examples of the transcripts that assistants leave on disk or export.",
    ),
    "mine": Command("mine_fim", "mine_app", "Make examples of git history and of source code."),
    "clean": Command(
        "clean",
        "clean_command",
        "Scrub examples, drop poor ones by named rules, and keep exact duplicates once.",
        "ManyRules",
    ),
    "near-duplicates": Command(
        "near_duplicates",
        "near_duplicates_command",
        "Find records that are nearly the same by their words or their meaning, and keep the first of each.",
    ),
    "longest": Command(
        "longest",
        "longest_command",
        "Keep the longest of conversations that were saved again with more turns, and copies once.",
    ),
    "decontaminate": Command(
        "decontaminate",
        "decontaminate_command",
        "Drop or mark examples that share a passage of many words with a benchmark.",
        "ManyBenchmarks",
    ),
    "lengths": Command(
        "lengths",
        "lengths",
        "Count the tokens of each example as a trainer sees them, chat template included.",
    ),
    "merge": Command(
        "merge",
        "merge_command",
        "Merge files of examples, each example once, into training and evaluation without a shared group.",
        "ManyWeights",
    ),
    "check": Command(
        "check",
        "check",
        "Check each example for a trainer: roles, contents, tool calls, special tokens, known traps.",
    ),
    "turns": Command(
        "turns",
        "turns_command",
        "Write the turns of a curated set with their signals, a line each, for `turnsmith judge`.",
    ),
    "judge": Command(
        "judge",
        "judge_command",
        "Label turns: 0 where a reasoning model is required, 1 where a non-reasoning model is sufficient.",
    ),
    "review": Command(
        "review", "review_app", "Draw labels for people to vote on, and write their votes back."
    ),
    "agreement": Command(
        "agreement",
        "agreement_command",
        "Hold a labeled set against people's votes: agreement, calibration, prevalence corrected for errors.",
        "ManyVotes",
    ),
    "balance": Command(
        "balance",
        "balance_command",
        "Write training files with exact label shares, matched so that nothing but the text tells the label.",
    ),
}
