"""Publishing, held to real servers on loopback."""
