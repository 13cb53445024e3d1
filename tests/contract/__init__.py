"""Black-box tests of the contract, run against the reference script and the product alike."""
