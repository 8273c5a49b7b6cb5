"""Sources against real servers: nginx and Dovecot on the loopback, and servers that misbehave on purpose."""
