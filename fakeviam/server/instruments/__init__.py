"""Observation and control of calls: journal, faults, scripted replies, clauses, timers."""
