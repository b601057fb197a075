"""`python -m birthmark`."""

from birthmark.cli.main import main

main()
