"""The command `reeltune`, as `python -m reeltune`."""

from reeltune.commands.main import main

if __name__ == "__main__":
    main(prog_name="python -m reeltune")
