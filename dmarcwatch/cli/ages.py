"""How old something is, as people write it."""

import re
from datetime import date, timedelta
from typing import Any

import click

_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}
_AGE = re.compile(r"(\d{1,5})([hdwy])")


class Age(click.ParamType[timedelta]):
    """A number of hours, days, weeks or years: `26h`, `400d`, `8w`, `2y` (of 365 days)."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The length of time, or a usage error that shows the form."""
        if isinstance(value, timedelta):
            return value
        found = _AGE.fullmatch(value)
        if not found:
            self.fail(f"{value!r} is not an age like 26h, 400d, 8w or 2y.", param, ctx)
        return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def day_before(today: date, age: timedelta) -> date:
    """The day that lies `age` back; the first there is where it lies before that."""
    return date.min if age > today - date.min else today - age
