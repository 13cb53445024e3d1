"""The judge: ask a language model which kind of model each turn needs, and keep every answer."""
