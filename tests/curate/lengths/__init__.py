"""Tests of token counts."""
