"""${message}"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from maintsched.store.guards import create_guards

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "..."}
    create_guards(op.get_bind())
