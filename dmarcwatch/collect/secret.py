"""Passwords and tokens: the configuration says where they are, never what they are."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dmarcwatch.errors import CollectError, ConfigError

COMMAND_TIMEOUT_SECONDS = 60
"""A password manager may ask its agent or a hardware key; a minute is what a person would wait."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret lies; its value is in no field, so it is in no repr, error or log.

    Exactly one of the fields is set, else ConfigError.
    """

    env: str | None = None
    """Name of an environment variable."""
    file: Path | None = None
    """A file that holds the secret and maybe a line end, such as a systemd credential."""
    command: tuple[str, ...] | None = None
    """A program and its arguments, run without a shell; its standard output is the secret."""

    def __post_init__(self) -> None:
        named = [part for part in (self.env, self.file, self.command) if part is not None]
        if len(named) != 1 or not str(named[0]) or self.command == ():
            raise ConfigError(["a secret needs exactly one of env, file and command"])

    def resolve(self) -> str:
        """The secret as it is now, without the line end. Raises CollectError where there is none."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
        elif self.file is not None:
            value = _read(self.file)
        else:
            value = _run(self.command or ())
        value = value.rstrip("\r\n")
        if not value:
            raise CollectError(f"{self} holds no secret", hint="Set it, or name another place for it.")
        return value

    def __str__(self) -> str:
        if self.env is not None:
            return f"the environment variable {self.env}"
        if self.file is not None:
            return f"the file {self.file}"
        # The arguments stay out: people do pass tokens to helpers.
        return f"the command {(self.command or ('',))[0]}"


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise CollectError(
            f"the secret in {path} cannot be read: {reason}",
            hint="Check the path, and that the user who runs dmarcwatch may read it.",
        ) from None


def _run(command: tuple[str, ...]) -> str:
    program = command[0]
    try:
        ran = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
        text = ran.stdout.decode("utf-8")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        # `from None`: the foreign errors carry the arguments and what was printed.
        raise CollectError(
            f"the command {program} gave no secret: {_why(error)}",
            hint="Run it by hand as the user who runs dmarcwatch.",
        ) from None
    if ran.returncode:
        raise CollectError(
            f"the command {program} ended with status {ran.returncode} and gave no secret",
            hint="Run it by hand as the user who runs dmarcwatch.",
        )
    return text


def _why(error: Exception) -> str:
    match error:
        case subprocess.TimeoutExpired():
            return f"it did not end within {COMMAND_TIMEOUT_SECONDS} seconds"
        case OSError():
            return str(error.strerror)
        case _:
            return "its output is not text in UTF-8"
