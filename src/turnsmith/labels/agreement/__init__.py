"""How far a judge's labels agree with people's votes, and what that says of the set."""

from turnsmith.labels.agreement.measures import cohen_kappa, krippendorff_alpha, rogan_gladen
from turnsmith.labels.agreement.step import AgreementReport, agreement

__all__ = ["AgreementReport", "agreement", "cohen_kappa", "krippendorff_alpha", "rogan_gladen"]
