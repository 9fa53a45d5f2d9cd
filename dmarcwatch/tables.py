"""TOML tables into frozen dataclasses, with every mistake named by file and key instead of the first one."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from dmarcwatch.errors import ConfigError

Made = TypeVar("Made")
_WRONG = object()
_KINDS = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


class Reader:
    """Reads one configuration file's tables, collecting what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    def complain(self, key: str, message: str) -> None:
        """Note that `key` cannot be used."""
        self.problems.append(f"{self.path}: {key}: {message}")

    def make(self, kind: type[Made], table: Mapping[str, Any], where: str) -> Made | None:
        """A `kind` from `table`; None with problems noted when a key is unknown, missing or wrong."""
        before = len(self.problems)
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
        for key in table.keys() - known.keys():
            self.complain(_key(where, key), f"is unknown; known are {', '.join(sorted(known))}")
        values = {}
        for name, field in known.items():
            if name in table:
                values[name] = self._value(hints[name], table[name], _key(where, name))
            elif field.default is MISSING and field.default_factory is MISSING:
                self.complain(_key(where, name), "is missing")
        if len(self.problems) > before:
            return None
        try:
            return kind(**values)
        except ConfigError as error:
            self.problems.extend(f"{self.path}: {where}: {problem}" for problem in error.problems)
            return None

    def _value(self, hint: Any, value: Any, key: str) -> Any:
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        options = tuple(option for option in options if option is not NoneType)
        for option in options:
            made = self._try(option, value, key, only=len(options) == 1)
            if made is not _WRONG:
                return made
        wanted = " or ".join(_wanted(option) for option in options)
        # What should be a table may be a secret written where it does not belong: never repeat it.
        shown = "what stands there" if any(is_dataclass(option) for option in options) else repr(value)
        self.complain(key, f"{shown} is not {wanted}")
        return None

    def _try(self, option: Any, value: Any, key: str, *, only: bool) -> Any:
        """`value` as an `option`, or `_WRONG`; a table that is the only option says what is wrong inside."""
        if is_dataclass(option) and isinstance(value, dict) and isinstance(option, type):
            if only or value.keys() <= {field.name for field in fields(option)}:
                return self.make(option, value, key)
            return _WRONG
        if get_origin(option) is tuple:
            return self._tuple(option, value, key)
        return _scalar(option, value)

    def _tuple(self, option: Any, value: Any, key: str) -> Any:
        item = get_args(option)[0]
        if get_origin(item) is tuple and isinstance(value, dict):
            second = get_args(item)[1]
            return tuple((name, self._value(second, part, _key(key, name))) for name, part in value.items())
        if not isinstance(value, list):
            return _WRONG
        return tuple(self._value(item, part, f"{key}[{n}]") for n, part in enumerate(value, start=1))


def _scalar(option: Any, value: Any) -> Any:
    if option is float and type(value) in (int, float):
        return float(value)
    if option in (str, int, bool):
        return value if type(value) is option else _WRONG
    if option is Path and isinstance(value, str):
        return Path(value).expanduser()
    if isinstance(option, type) and issubclass(option, StrEnum) and value in {str(word) for word in option}:
        return option(value)
    return _WRONG


def _wanted(option: Any) -> str:
    if get_origin(option) is tuple:
        return "a list"
    if is_dataclass(option):
        return "a table with " + " or ".join(field.name for field in fields(option))
    if isinstance(option, type) and issubclass(option, StrEnum):
        return "one of " + ", ".join(f'"{word}"' for word in option)
    return "a path in quotes" if option is Path else _KINDS.get(option, "of the right kind")


def _key(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
