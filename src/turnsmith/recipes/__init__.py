"""Whole jobs as data: the models and the recipes that ship."""
