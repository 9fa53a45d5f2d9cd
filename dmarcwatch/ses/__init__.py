"""Amazon SES: what a record says of the sender's set-up there, how it came so, and what mends it.

`states` tells the state of one record, `history` what changed over time, `remedy` the DNS records and
commands.
"""

from dmarcwatch.ses.states import (
    SES,
    SES_DOMAIN,
    Own,
    ReturnPath,
    SesFacts,
    SesSigns,
    SesState,
    SesVerdict,
    Signed,
    dkim_zone,
    facts,
    is_easy_dkim_selector,
    is_ses_address,
    is_ses_domain,
    is_ses_host,
    ses_return_path,
    ses_state,
)

__all__ = [
    "SES",
    "SES_DOMAIN",
    "Own",
    "ReturnPath",
    "SesFacts",
    "SesSigns",
    "SesState",
    "SesVerdict",
    "Signed",
    "dkim_zone",
    "facts",
    "is_easy_dkim_selector",
    "is_ses_address",
    "is_ses_domain",
    "is_ses_host",
    "ses_return_path",
    "ses_state",
]
