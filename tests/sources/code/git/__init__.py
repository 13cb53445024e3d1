"""Tests of mining git history."""
