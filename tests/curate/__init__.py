"""Tests of curation steps."""
