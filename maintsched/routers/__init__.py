"""Shells on routers, and the platform driver that reads and changes them through a plan's allow-list."""
