"""The rules: frozen values and pure functions. Standard library only, no I/O, no clock (`now` is an argument)."""
