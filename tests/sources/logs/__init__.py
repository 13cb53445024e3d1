"""Importers of assistants' own transcripts."""
