"""Prove a finished data set again from its files alone."""
