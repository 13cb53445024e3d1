"""Tests of checks for trainers."""
