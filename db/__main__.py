"""Back up, restore, check and mend the database (command); the same as `reeltune db`."""

from reeltune.commands.database import db

if __name__ == "__main__":
    db(prog_name="python -m db")
