"""Importers of coding agents' sessions: Codex, Gemini CLI, VS Code Copilot Chat."""
