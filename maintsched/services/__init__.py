"""The use cases: each changes or answers one thing, in the words of the domain."""
