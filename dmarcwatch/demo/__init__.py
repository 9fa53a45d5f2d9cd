"""An invented organisation and the reports on it: `world` reads demo.toml, `days` draws ninety days."""

from dmarcwatch.demo.days import config, ninety_days, write

__all__ = ["config", "ninety_days", "write"]
