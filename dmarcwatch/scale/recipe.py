"""How reports are read, in a form that travels to other machines and is made there once a process."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from dmarcwatch.budgets import Budgets
from dmarcwatch.check.keys import arrival_verifier
from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classifier
from dmarcwatch.config import Config, General, VerifyDkim
from dmarcwatch.preparing import Rules
from dmarcwatch.senders import Senders
from dmarcwatch.trust import MailHost, known_reporters


@dataclass(frozen=True, slots=True)
class Recipe:
    """What of a configuration decides how items are read."""

    general: General
    budgets: Budgets
    senders: str | None
    """The user's own senders.toml as text, because its file need not be on every machine."""
    now: datetime
    """When the increment was begun, aware UTC: no mail came later."""

    def rules(self) -> Rules:
        """The rules, made once in each process."""
        return _rules(self)

    def load_senders(self) -> Senders:
        """The packaged senders with the user's own laid over them."""
        return Senders.load() if self.senders is None else Senders.load(self.senders, file="senders")


@lru_cache(maxsize=2)
def _rules(recipe: Recipe) -> Rules:
    general = recipe.general
    senders = recipe.load_senders()
    host = MailHost(general.authserv_ids, microsoft=general.microsoft_mailbox)
    asks = general.verify_dkim is not VerifyDkim.NEVER
    return Rules(
        senders=senders,
        classify=Classifier(senders, own_tenants=frozenset(general.own_tenants)).classify,
        trust=Trust(known_reporters(), host, arrival_verifier() if asks else None),
        budgets=recipe.budgets,
        is_ours=Config(general).is_ours,
    )
