"""Set-up of the unit tests: `import helpers` works in every folder; Hypothesis repeats itself."""

from hypothesis import settings

settings.register_profile("book", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)
settings.load_profile("book")
