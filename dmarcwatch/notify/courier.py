"""The process that speaks to one channel: `python -m dmarcwatch.notify.courier`, a parcel on standard input.

Apprise has more than a hundred plugins, and a channel that drips a byte a second would hold a thread for
ever. A process can be ended. The URL comes through the pipe, where no list of processes shows it.
"""

import json
import logging
import re
import sys
from typing import Any
from urllib.parse import unquote

import apprise

from dmarcwatch.alerts.message import fitting
from dmarcwatch.text import clean

_REASON_CHARACTERS = 300
_DETAIL = "Socket Exception: "
"""How apprise's debug log begins what a socket or a mail server said; all else there may hold secrets."""
_SECRET_PARTS = re.compile(r"[/:@?&=,;#\s]+")
_TELLING = 5
"""Shorter parts of a URL are words and port numbers; hiding those would hide the reason."""


def deliver(url: str, title: str, texts: list[str], html: str | None) -> str | None:
    """Send to the one place that `url` names; None where it was taken, else why not, without its secrets."""
    said = _Reasons()
    log = logging.getLogger("apprise")
    log.addHandler(said)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        scheme, _, rest = url.partition("://")
        shown = f" ({scheme}://...)" if rest else ""
        return f"its URL{shown} is none that apprise knows"[:_REASON_CHARACTERS]
    if len(service) > 1:
        return (
            f"its URL names {len(service)} places: give each a channel of its own, "
            "or the others hear everything again whenever one fails"
        )
    try:
        taken = _notify(service, title, texts, html)
    except Exception as error:
        # Whatever a plugin gets wrong is a channel that fails, and no failed fetch.
        log.warning("%s: %s", type(error).__name__, error)
        taken = False
    if taken:
        return None
    return hidden(clean(said.text() or "it was refused without a reason", _REASON_CHARACTERS), url)


def _notify(service: Any, title: str, texts: list[str], html: str | None) -> bool:
    formats = service.notify_format
    shows_html = apprise.NotifyFormat.HTML in (formats if isinstance(formats, tuple | list) else (formats,))
    body, kind = fitting(texts, service.body_maxlen or None), apprise.NotifyFormat.TEXT
    if html is not None and shows_html and len(html) <= (service.body_maxlen or len(html)):
        body, kind = html, apprise.NotifyFormat.HTML
    sender = apprise.Apprise()
    sender.add(service)
    return bool(sender.notify(body=body, title=title, body_format=kind))


class _Reasons(logging.Handler):
    """Keeps what apprise's log says of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is a reason."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self._lines.append(text)
        elif text.startswith(_DETAIL):
            self._lines.append(_cause(text.removeprefix(_DETAIL)))

    def text(self) -> str:
        """The reasons in the order they came, each once."""
        return "; ".join(dict.fromkeys(line.strip().rstrip(".") for line in self._lines if line.strip()))


def _cause(text: str) -> str:
    """The last thing said of errors nested in each other, as urllib3 writes them."""
    return text.rpartition(": ")[2].rstrip("'\")") if "(Caused by " in text else text


def hidden(text: str, url: str) -> str:
    """`text` without any part of the URL that may be a secret; the host stays."""
    rest = url.partition("://")[2]
    host = rest.partition("/")[0].rpartition("@")[2].partition(":")[0]
    parts = {part for part in _SECRET_PARTS.split(rest) if len(part) >= _TELLING and part != host}
    for part in sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True):
        text = text.replace(part, "...")
    return text


def main() -> None:
    """Read a parcel, deliver it, and print why not, or null."""
    print(json.dumps(deliver(**json.load(sys.stdin))))


if __name__ == "__main__":
    main()
