"""Bytes as senders write them, and the notices that must come of them."""
