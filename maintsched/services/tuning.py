"""Limits that are ours, not the user's."""

from datetime import timedelta

EXPANSION = timedelta(days=400)  # recurring entries are expanded this far; beyond it nothing is known
EXPAND_AGAIN = timedelta(days=7)  # how far the expansion of an unchanged calendar may fall behind
LOOK_BACK = timedelta(days=1)  # work in process may overrun
SUGGEST_AHEAD = timedelta(days=90)
