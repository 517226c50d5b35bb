"""What watches and steers calls: journal, faults, scripted replies, clauses, waiting."""
