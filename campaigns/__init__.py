"""Standing campaigns: many inputs by chance, from a seed, against laws that must hold for all.

    python -m campaigns fuzz [--inputs N] [--seed N] [--only control] [--round N]
    python -m campaigns soak [--rounds N]
    python -m campaigns crash [--kills N] [--seed N]

The last result of each stands in `campaigns/results`.
"""
