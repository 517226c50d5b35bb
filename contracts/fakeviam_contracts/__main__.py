"""`python -m fakeviam_contracts`: what `fakeviam contract` does."""

from fakeviam_contracts.contract_cli import main

if __name__ == "__main__":
    main()
