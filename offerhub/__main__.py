"""`python -m offerhub` is `offerhub`."""

from offerhub.cli import main

main(prog_name="offerhub")
