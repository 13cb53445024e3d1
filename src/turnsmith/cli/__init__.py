"""The command line: one file per command group, argument parsing and printing only."""

from turnsmith.cli import export, import_logs, mine_fim, recipe, synth
from turnsmith.cli.agreement import ManyVotes, agreement_command
from turnsmith.cli.app import app, main
from turnsmith.cli.balance import balance_command
from turnsmith.cli.check import check
from turnsmith.cli.clean import ManyRules, clean_command
from turnsmith.cli.decontaminate import ManyBenchmarks, decontaminate_command
from turnsmith.cli.forget import forget_command
from turnsmith.cli.judge import judge_command
from turnsmith.cli.kusto import kusto_app
from turnsmith.cli.leakage import leakage_command
from turnsmith.cli.lengths import lengths
from turnsmith.cli.longest import longest_command
from turnsmith.cli.merge import ManyWeights, merge_command
from turnsmith.cli.mine import mine_app
from turnsmith.cli.near_duplicates import near_duplicates_command
from turnsmith.cli.publish import publish_command
from turnsmith.cli.query import query_app
from turnsmith.cli.review import review_app
from turnsmith.cli.turns import turns_command
from turnsmith.cli.verify import verify

app.command("verify")(verify)
app.command("forget")(forget_command)
app.command("check")(check)
app.command("leakage")(leakage_command)
app.command("lengths")(lengths)
app.command("judge")(judge_command)
app.command("longest")(longest_command)
app.command("near-duplicates")(near_duplicates_command)
app.command("publish")(publish_command)
app.command("clean", cls=ManyRules)(clean_command)
app.command("merge", cls=ManyWeights)(merge_command)
app.command("decontaminate", cls=ManyBenchmarks)(decontaminate_command)
app.command("turns")(turns_command)
app.command("agreement", cls=ManyVotes)(agreement_command)
app.command("balance")(balance_command)
app.add_typer(review_app, name="review")
app.add_typer(query_app, name="query")
app.add_typer(kusto_app, name="kusto")
app.add_typer(mine_app, name="mine")

__all__ = ["app", "export", "import_logs", "main", "mine_fim", "recipe", "synth"]
