"""Whether a trainer will take a file, line by line."""

from turnsmith.curate.check.problems import CODES
from turnsmith.curate.check.running import TRAINERS, Budget, Checked, check_file

__all__ = ["CODES", "TRAINERS", "Budget", "Checked", "check_file"]
