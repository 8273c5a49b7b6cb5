"""Maintenance calendar, redundancy-safe bookings and BGP failover drills."""

__version__ = "0.1.0"
