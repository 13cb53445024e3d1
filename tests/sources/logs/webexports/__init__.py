"""Importers of what web products export, and of files that other programs made for training."""
