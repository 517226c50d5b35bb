"""What was called: the journal, and what can be asked of it."""
