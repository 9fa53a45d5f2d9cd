"""`python -m dmarcwatch`."""

from dmarcwatch.cli import main

if __name__ == "__main__":
    main(prog_name="dmarcwatch")
