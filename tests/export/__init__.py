"""Black-box tests of `turnsmith export`: bad input, kills, repetition, layouts."""
