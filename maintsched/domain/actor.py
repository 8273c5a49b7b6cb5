"""Who acts: the name that was given, and the login that it was given under."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    login: str

    def is_other_than(self, other: "Actor") -> bool:
        """Two persons differ in both: a name alone is only a claim."""
        return self.name != other.name and self.login != other.login
