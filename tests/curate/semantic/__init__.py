"""Tests of near duplicates by meaning."""
