"""Claude Code: `~/.claude/projects/<project>/<session>.jsonl`, and the files of sub-agents beneath."""

from turnsmith.sources.logs.claude_code.reading import looks_like, read

EXPLANATION = "a Claude Code transcript: one JSON record a line, in ~/.claude/projects"
SUFFIXES = (".jsonl",)

__all__ = ["EXPLANATION", "SUFFIXES", "looks_like", "read"]
