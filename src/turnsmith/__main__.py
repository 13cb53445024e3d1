"""Run the command line as ``python -m turnsmith``."""

from turnsmith.cli import main

main()
