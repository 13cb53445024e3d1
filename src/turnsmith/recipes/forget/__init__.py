"""Forget a person or conversations: a new version of a finished set without them, and a receipt of the deletion."""

from turnsmith.recipes.forget.asking import Asked, read_ids
from turnsmith.recipes.forget.job import Forgotten, forget

__all__ = ["Asked", "Forgotten", "forget", "read_ids"]
