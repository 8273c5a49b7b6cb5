"""`python -m maintsched`."""

from maintsched.cli import main

main()
