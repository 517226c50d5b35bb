"""`python -m fakeviam`: the command line."""

from fakeviam.cli import main

if __name__ == "__main__":
    main()
