"""One message to one channel: taken, or not and why, within a time. A process of its own does it."""

import json
import subprocess
import sys
from importlib.util import find_spec

from dmarcwatch.alerts.message import Message
from dmarcwatch.collect.secret import Secret
from dmarcwatch.errors import CollectError, ConfigError
from dmarcwatch.notify.settings import Channel

# -P: the folder that cron happens to run in is no place to import from.
_COURIER = (sys.executable, "-P", "-m", "dmarcwatch.notify.courier")


def need_apprise() -> None:
    """Raises ConfigError where apprise is not installed."""
    if find_spec("apprise") is None:
        raise ConfigError(
            ["Alerts and digests are sent by apprise, which is not installed."],
            hint="Install it: pip install 'dmarcwatch[notify]'",
        )


def send(channel: Channel, message: Message) -> str | None:
    """Send the message; None where the channel took it, else why it did not, without any secret.

    A channel that does not answer in time counts as failed: whether it took the message nobody knows.
    """
    try:
        url = channel.url.resolve() if isinstance(channel.url, Secret) else channel.url
    except CollectError as error:
        return error.message
    parcel = json.dumps({"url": url, **message._asdict()})
    try:
        done = subprocess.run(
            _COURIER,
            input=parcel,
            capture_output=True,
            text=True,
            timeout=channel.timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # The foreign error holds the parcel, and so the URL.
        return f"no answer within {channel.timeout_seconds:g} seconds"
    except OSError as error:
        return f"nothing can be started to send it: {error.strerror}"
    return _answer(done)


def _answer(done: "subprocess.CompletedProcess[str]") -> str | None:
    try:
        answer: str | None = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return f"sending ended with status {done.returncode} and without an answer"
    return answer
