"""The assistant recipe: logs, git history and code to a training and an evaluation file, every step's settings."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from turnsmith.recipes.names import safe_name
from turnsmith.sources.code.fim.options import MIX

Kind = Literal[
    "auto", "claude-code", "claude-ai", "chatgpt", "copilot-chat", "codex", "gemini", "sharegpt", "messages"
]
Shape = Literal["pairs", "conversation", "trajectory", "follow"]
Focus = Literal["debugging", "errors", "explanation"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogSource(_Settings):
    """Name transcripts and say what examples are made of them; see `turnsmith import`."""

    name: Annotated[str, AfterValidator(safe_name)] | None = Field(
        None, description="Its name in files and reports; by default the kind."
    )
    kind: Kind = Field("auto", description="What the files are.")
    paths: list[str] = Field(min_length=1, description="Files, folders and globs.")
    shape: Shape = Field("pairs", description="What one example is.")
    follow: int = Field(3, ge=0, description="Turns before the request, for the shape follow.")
    system_prompt: str | None = Field(
        None, description="System message; empty for none; by default the source's, or that for pairs."
    )
    focus: list[Focus] = Field(default_factory=list, description="Keep only examples about these.")
    keep_reasoning: bool = Field(False, description="Keep what the model thought, as reasoning_content.")


class Repositories(_Settings):
    """Name repositories and the licenses that are allowed; see `turnsmith mine`."""

    name: Annotated[str, AfterValidator(safe_name)] | None = Field(
        None, description="Its name in files and reports; by default git or fim."
    )
    repos: list[str] = Field(min_length=1, description="Working trees, bare repositories and bundles.")
    allow: list[str] = Field(default_factory=lambda: ["permissive"], description="SPDX ids of licenses.")
    unknown: Literal["deny", "warn"] = Field("deny", description="Where the license is unknown.")


class GitSource(Repositories):
    """Say what is made of git history; see `turnsmith mine git`."""

    kinds: list[str] = Field(
        default_factory=lambda: ["patch", "edit", "message"], description="What to make of a commit."
    )
    since: str | None = Field(None, description="Only commits of this time or later.")
    until: str | None = Field(None, description="Only commits before this time.")
    branch: str = Field("HEAD", description="Branch, tag or commit to walk from.")
    all_branches: bool = Field(False, description="Walk from every branch, too.")
    max_per_author: int | None = Field(None, ge=1, description="At most so many commits of one author.")
    max_files: int = Field(20, ge=1, description="Drop commits that change more files.")
    max_lines: int = Field(1200, ge=1, description="Drop commits that change more lines.")
    max_chars: int = Field(24_000, ge=100, description="Most characters of an example.")
    max_tokens: int | None = Field(None, ge=20, description="Most tokens of an example.")


class FimSource(Repositories):
    """Say what is made of source code; see `turnsmith mine fim`. `repos` may name plain folders, too."""

    revision: str = Field("HEAD", description="Branch, tag or commit to read.")
    per_file: int = Field(6, ge=1, description="Most examples of one file.")
    max_len: int = Field(1600, ge=200, description="Most that an example may have, in unit.")
    unit: Literal["chars", "tokens"] = Field("chars", description="What max_len counts.")
    format: Literal["messages", "qwen", "starcoder", "codellama", "deepseek"] = Field(
        "messages", description="A chat, or one text with a model's tokens."
    )
    spm: float | None = Field(
        None, ge=0, le=1, description="Share with the suffix first; 0.5 where the model has it."
    )
    repo_context: bool = Field(False, description="Other files of the folder in front (qwen, starcoder).")
    special: Literal["refuse", "escape"] = Field("refuse", description="Special tokens in the code.")
    languages: list[str] = Field(default_factory=list, description="Use only these.")
    mix: dict[str, float] = Field(
        default_factory=lambda: dict(MIX), description="Shares of nodes, lines and chars."
    )
    language_weights: dict[str, float] = Field(
        default_factory=dict, description="Factors on per_file, beside the usual ones of json and markdown."
    )
    folder_weights: dict[str, float] = Field(
        default_factory=dict, description="Factors on per_file of a folder and what is below."
    )
    per_folder: int = Field(600, ge=0, description="About the most examples of one folder; 0 for any number.")


class Cleaning(_Settings):
    """Say what is scrubbed and dropped; see `turnsmith clean`."""

    scrub: bool = Field(True, description="Replace secrets and personal data.")
    pseudonymize: str | None = Field(
        None, description="Key file for placeholders that stay the same everywhere."
    )
    min_user_chars: int = Field(80, ge=0, description="Drop examples with less user text.")
    max_tokens: int | None = Field(None, ge=1, description="Drop examples of more tokens.")
    languages: list[str] = Field(
        default_factory=list, description="Drop examples in which the user surely writes another."
    )
    skip_rules: list[str] = Field(default_factory=list, description="Rules to leave out.")


class NearDuplicates(_Settings):
    """Say what counts as nearly the same within a source; see `turnsmith near-duplicates`."""

    threshold: float = Field(0.8, gt=0, le=1, description="Similarity from which two examples are near.")
    ngram: int = Field(5, ge=1, le=64, description="Words of a shingle.")
    field: Literal["user", "assistant", "all", "first_user"] = Field("all", description="What is compared.")
    max_dropped: float = Field(0.5, ge=0, le=1, description="Stop when more than this share would go.")


class Clipping(_Settings):
    """Say how long an example may be, and what becomes of longer ones; see `turnsmith lengths`."""

    max: int | None = Field(None, ge=1, description="Tokens that an example may have.")
    clip: Literal["head", "middle", "drop"] = Field("head", description="What goes from longer ones.")


class Merging(_Settings):
    """Say how the files are split and mixed; see `turnsmith merge`."""

    eval_frac: float = Field(0.15, ge=0, le=0.5, description="Share of groups for evaluation.")
    eval_size: int | None = Field(None, ge=0, description="About so many examples for evaluation instead.")
    min_eval: int = Field(100, ge=0, description="At least so many examples for evaluation.")
    weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict, description="How often the examples of a source come in training."
    )
    by_repository: bool = Field(True, description="Keep each repository of code on one side.")
    strip_meta: bool = Field(False, description="Leave out where examples came from.")


class AssistantRecipe(_Settings):
    """Describe one job from logs, git and code to `train.<name>.jsonl` and `eval.<name>.jsonl`."""

    recipe: Literal["assistant"] = Field("assistant", description="What kind of recipe this is.")
    name: Annotated[str, AfterValidator(safe_name)] = Field("full", description="The name in the files.")
    out: str | None = Field(None, description="The folder that gets the files.")
    logs: list[LogSource] = Field(default_factory=list, description="Transcripts of assistants.")
    git: list[GitSource] = Field(default_factory=list, description="Repositories whose history is mined.")
    fim: list[FimSource] = Field(
        default_factory=list, description="Repositories whose code gives holes to fill in."
    )
    files: list[str] = Field(
        default_factory=list,
        description="Files of ready examples (JSON Lines) that are cleaned and merged, too.",
    )
    tokenizer: str | None = Field(None, description="Vocabulary that counts tokens; o200k by default.")
    chat_template: str | None = Field(None, description="How a conversation becomes one text for the model.")
    seed: int = Field(0, description="Another seed, another order.")
    clean: Cleaning = Field(default_factory=lambda: Cleaning.model_validate({}), description="Cleaning.")
    longest: bool = Field(
        False, description="Keep the longest of conversations that were saved more than once."
    )
    near_duplicates: NearDuplicates | None = Field(
        None, description="Drop near duplicates within a source; by default none."
    )
    lengths: Clipping = Field(default_factory=lambda: Clipping.model_validate({}), description="Lengths.")
    merge: Merging = Field(default_factory=lambda: Merging.model_validate({}), description="Merging.")
    force: bool = Field(False, description="Overwrite files that are there.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for key in ("logs", "git", "fim"):
            given = [source.name for source in getattr(self, key) if source.name]
            for name in given:
                if given.count(name) > 1:
                    raise ValueError(f"{key}: two sources are named {name!r}")
        return self
