"""How old something is, as people write it."""

import re
from datetime import date, timedelta
from typing import Any

import click

_DAYS = {"d": 1, "w": 7, "y": 365}
_AGE = re.compile(r"(\d{1,5})([dwy])")


class Age(click.ParamType[timedelta]):
    """A number of days, weeks or years: `400d`, `8w`, `2y` (of 365 days)."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The length of time, or a usage error that shows the form."""
        if isinstance(value, timedelta):
            return value
        found = _AGE.fullmatch(value)
        if not found:
            self.fail(f"{value!r} is not an age like 400d, 8w or 2y.", param, ctx)
        return timedelta(days=int(found[1]) * _DAYS[found[2]])


def day_before(today: date, age: timedelta) -> date:
    """The day that lies `age` back; the first there is where it lies before that."""
    return date.min if age > today - date.min else today - age
