"""Plain words that alerts and digests share."""

from datetime import date, timedelta

from dmarcwatch.text import count

_ANSWERS = {
    "not-ready": "not ready for p={target}",
    "ready-for-quarantine": "ready for p=quarantine",
    "ready-for-reject": "ready for p=reject",
    "keep": "safe as it is",
    "watch": "safe as it is, but something deserves a look",
    "roll-back": "must step back: its own mail is being lost",
    "cannot-tell": "too little is known to tell",
}


def answer(verdict: str, target: str) -> str:
    """A verdict as the end of a sentence that begins with the domain's name."""
    return _ANSWERS.get(verdict, verdict).format(target=target)


def day(when: date) -> str:
    """A day as people write it, such as `3 November 2026`."""
    return f"{when.day} {when:%B %Y}"


def short_day(when: date) -> str:
    """A day of this year, such as `3 November`."""
    return f"{when.day} {when:%B}"


def span(first: date, last: date) -> str:
    """`16 to 22 November 2026`, with no more months and years than are needed."""
    if first == last:
        return day(last)
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    start = f"{first.day}" if first.month == last.month else short_day(first)
    return f"{start} to {day(last)}"


def in_days(number: int, today: date) -> str:
    """`in 12 days, on 4 December 2026`."""
    return f"in {count(number, 'day')}, on {day(today + timedelta(days=number))}"


def page(leaf: str, **query: str) -> str:
    """A page of ours below `/-/dmarcwatch/`, such as `domain?name=example.com`."""
    asked = "&".join(f"{name}={_escaped(value)}" for name, value in query.items())
    return f"{leaf}?{asked}" if asked else leaf


def _escaped(value: str) -> str:
    """A value in a query (RFC 3986 section 2.1); names of streams may hold anything."""
    kept = "-._~/:"
    return "".join(
        sign
        if sign.isascii() and (sign.isalnum() or sign in kept)
        else "".join(f"%{byte:02X}" for byte in sign.encode())
        for sign in value
    )


def link(base: str, leaf: str) -> str:
    """The whole address of a page of ours on the server at `base`."""
    return f"{base.rstrip('/')}/-/dmarcwatch/{leaf}"
