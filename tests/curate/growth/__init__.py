"""Tests of conversation growth."""
