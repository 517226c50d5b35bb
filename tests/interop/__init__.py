"""Other people's clients against the fake.

A package, unlike the other test folders, so that its modules may share helpers.
"""
