"""`python -m millpond`: the command line."""

from millpond.cli import main

main()
