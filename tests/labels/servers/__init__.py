"""Servers that speak the OpenAI protocol on loopback, for tests and rehearsals of the judge."""
