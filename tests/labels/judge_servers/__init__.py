"""Tests of the judge against real servers on loopback."""
