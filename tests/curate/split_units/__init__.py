"""Tests of split units."""
