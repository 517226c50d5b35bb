"""What goes wrong on purpose: planned faults, their accounting, and how they are done."""
