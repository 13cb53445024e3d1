"""Tests of leakage."""
