"""From an item's mail to the tier of its reports: the mail host's word, else the signature itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dmarcwatch.arrival import Arrival
from dmarcwatch.mail.headers import MailHeaders
from dmarcwatch.report import Report, Tier
from dmarcwatch.trust import Authentication, MailHost, Reporters, assess, authenticate, known_reporters

NO_HOST = MailHost()
"""A host of which nothing is known: the topmost results are believed."""
Verify = Callable[[bytes], tuple[str, ...]]
"""The d= of each signature of a mail that verifies."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How mails of one source are believed."""

    reporters: Reporters
    host: MailHost = NO_HOST
    verify: Verify | None = None
    """Asked where no believed host says anything; None asks nobody (`verify_dkim = "never"`)."""

    def of(self, *, recorded: tuple[str, ...], ses: bool) -> "Trust":
        """The same for a source whose mails bore these names before; `ses`: SES inbound wrote them."""
        names = self.host.authserv_ids or recorded
        return replace(self, host=replace(self.host, authserv_ids=names, ses=ses))

    def introduce(self, data: bytes, headers: MailHeaders | None, *, local: bool) -> Authentication:
        """What is known of the sender of one item."""
        found = authenticate(headers, self.host, local=local)
        if found.silent and self.verify is not None and headers is not None and headers.has_dkim_signature:
            return authenticate(headers, self.host, verified_dkim=self.verify(data))
        return found

    def tier(self, arrival: Arrival, report: Report) -> Tier:
        """The tier of one report of an item, from what was kept of its arrival."""
        kept = Authentication(passed=arrival.verified, local=arrival.local)
        return assess(kept, report, self.reporters)


def trust_files() -> Trust:
    """For reading files alone: nobody is asked."""
    return Trust(known_reporters())
