"""Turn what coding assistants leave behind into training sets one can trust."""

from importlib.metadata import version

__version__ = version("turnsmith")
