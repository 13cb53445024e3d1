"""Tests of the KQL pack."""
