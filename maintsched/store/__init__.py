"""Tables, migrations, locking and queries; the SQLModel session does not leave this package."""
