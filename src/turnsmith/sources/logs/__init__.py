"""Assistants' own transcripts: one module for each product, each yielding transcripts of one shape."""
