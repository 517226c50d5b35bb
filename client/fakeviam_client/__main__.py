"""`python -m fakeviam_client`: upload, list and download from the command line."""

from fakeviam_client._cli import main

if __name__ == "__main__":
    main()
