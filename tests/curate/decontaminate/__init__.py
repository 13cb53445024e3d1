"""Tests of decontamination."""
