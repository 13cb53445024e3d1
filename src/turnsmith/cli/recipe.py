"""`turnsmith recipe`: the recipes that ship, and their schema."""

import json
from importlib.resources import files
from typing import Annotated

import typer

from turnsmith.core.errors import UsageError
from turnsmith.recipes.loading import RECIPES

recipe_app = typer.Typer(help="Show recipes and their schema.", no_args_is_help=True)


@recipe_app.command("schema")
def schema_command(name: Annotated[str, typer.Argument(help="The recipe's name.")] = "telemetry") -> None:
    """Print the JSON Schema of a kind of recipe, for editors.

    Example: turnsmith recipe schema > telemetry.schema.json
    """
    if name not in RECIPES:
        raise UsageError(f"no recipe {name!r}; there is {', '.join(RECIPES)}")
    typer.echo(json.dumps(RECIPES[name].model_json_schema(), indent=2))


@recipe_app.command("show")
def show_command(name: Annotated[str, typer.Argument(help="The recipe's name.")] = "telemetry") -> None:
    """Print a recipe that ships, to start your own from.

    Example: turnsmith recipe show telemetry > mine.yaml
    """
    shipped = {
        path.name.removesuffix(".yaml"): path
        for path in files("turnsmith.recipes").iterdir()
        if path.name.endswith(".yaml")
    }
    if name not in shipped:
        raise UsageError(f"no recipe {name!r}; there is {', '.join(sorted(shipped))}")
    typer.echo(shipped[name].read_text(encoding="utf-8"), nl=False)
