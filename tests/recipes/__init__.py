"""Whole jobs from a recipe."""
