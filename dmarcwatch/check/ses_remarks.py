"""What is to be said of the Amazon SES account by itself: identities, standing, events and addresses."""

from collections.abc import Callable, Collection, Iterator

from dmarcwatch.check.remarks import Remark, fix, note, unknown, warn
from dmarcwatch.check.ses_account import Account, Identity, Region
from dmarcwatch.check.ses_calls import NOT_HERE
from dmarcwatch.ses.remedy import STEPS, Case
from dmarcwatch.sightings import Sightings

# AWS guide, "Sending review process": SES puts an account under review at the first share of a pair and
# may pause its sending at the second.
BOUNCE_REVIEW, BOUNCE_PAUSE = 0.05, 0.10
COMPLAINT_REVIEW, COMPLAINT_PAUSE = 0.001, 0.005


def account_remarks(account: Account, seen: Sightings) -> list[Remark]:
    """Everything, region by region; regions that nobody asks for and that are not enabled in one line."""
    found = []
    closed = [region.name for region in account.regions if region.closed and region.name not in seen.regions]
    for region in account.regions:
        if region.name in closed:
            continue
        about = f"Amazon SES {region.name}"
        found += [unknown(about, trouble) for trouble in dict.fromkeys(region.troubles.values())]
        found += [remark for rule in _RULES for remark in rule(region, about)]
        found += _addresses(region, about, seen.ses_addresses)
        if region.identities and region.name not in seen.regions:
            names = ", ".join(each.name for each in region.identities)
            found.append(note(about, f"{names} may send there, and no report has shown mail from there."))
    if closed:
        found.append(unknown(f"Amazon SES {', '.join(closed)}", NOT_HERE))
    return found


def _standing(region: Region, about: str) -> Iterator[Remark]:
    if region.enforcement == "SHUTDOWN" or region.sending is False:
        yield fix(about, "Sending is paused in this account: see the Account dashboard of the SES console.")
    elif region.enforcement == "PROBATION":
        yield fix(about, "The account is under review: see the Account dashboard, and mend what it names.")
    if region.production is False and region.identities:
        yield note(about, "The account is in the sandbox, and sends to verified addresses only.")


def _rates(region: Region, about: str) -> Iterator[Remark]:
    for what, share, review, pause in (
        ("bounce", region.rates.bounce, BOUNCE_REVIEW, BOUNCE_PAUSE),
        ("complaint", region.rates.complaint, COMPLAINT_REVIEW, COMPLAINT_PAUSE),
    ):
        if share is None:
            continue
        text = f"The {what} rate is {100 * share:.2g} %"
        limits = f"SES reviews an account at {100 * review:g} % and pauses it at {100 * pause:g} %"
        if share >= review:
            yield fix(about, f"{text}: {limits}.")
        else:
            yield note(about, f"{text}; {limits}.")


def _identities(region: Region, about: str) -> Iterator[Remark]:
    for identity in region.identities:
        if not identity.known:
            continue
        if identity.verified is False:
            yield warn(about, f"{identity.name} is not verified, so nothing can be sent as it.")
        elif identity.is_address:
            yield from _address(identity, region, about)
        else:
            yield from _domain(identity, region, about)


def _domain(identity: Identity, region: Region, about: str) -> Iterator[Remark]:
    case = Case(identity.name, region.name)
    if identity.signing is False:
        command = case.aws("put-email-identity-dkim-attributes", "--signing-enabled")
        yield fix(about, f"{identity.name} may send, and its DKIM signing is off.", *command)
    elif identity.signs is False:
        message = f"{identity.name} may send, and its DKIM is {identity.dkim_status}."
        yield fix(about, message, *STEPS["own-dkim-vanished"](case))
    if identity.mail_from and identity.mail_from_status != "SUCCESS":
        yield fix(
            about,
            f"MAIL FROM {identity.mail_from} of {identity.name} is {identity.mail_from_status}: SES uses its "
            "own return path.",
            *set_again(identity, case),
        )


def set_again(identity: Identity, case: Case) -> Iterator[str]:
    """The lines that bring a custom MAIL FROM back; SES stops looking for it after 72 hours (AWS guide)."""
    yield f"DNS: {identity.mail_from} MX 10 feedback-smtp.{case.region}.amazonses.com (this MX and no other)"
    yield from case.aws(
        "put-email-identity-mail-from-attributes",
        f"--mail-from-domain {identity.mail_from}",
        "--behavior-on-mx-failure USE_DEFAULT_VALUE",
    )


def _address(identity: Identity, region: Region, about: str) -> Iterator[Remark]:
    """An address overrides its domain's settings (AWS guide, creating identities)."""
    domain = identity.name.rpartition("@")[2]
    above = next((each for each in region.identities if each.name == domain and each.known), None)
    lacks = []
    if identity.signs is False:
        lacks.append("DKIM")
    if above is not None and above.mail_from and identity.mail_from is None:
        lacks.append("the MAIL FROM of its domain")
    if lacks:
        without = " and ".join(lacks)
        yield warn(
            about,
            f"{identity.name} is an identity of its own without {without}, and overrides the domain's.",
            "Delete it, unless it must be:",
            f"aws sesv2 delete-email-identity --region {region.name} --email-identity {identity.name}",
        )


def _events(region: Region, about: str) -> Iterator[Remark]:
    """Whether anybody hears of bounces and complaints."""
    for identity in region.identities:
        if identity.is_address or not identity.known:
            continue
        name = identity.configuration_set
        if name is None:
            yield _unheard(identity, about, "has no default configuration set")
        elif region.destinations.get(name) == ():
            yield _unheard(
                identity, about, f"has the default configuration set {name}, which sends no events"
            )


def _unheard(identity: Identity, about: str, how: str) -> Remark:
    if identity.forwards_feedback is False:
        message = f"{identity.name} {how}, and feedback by mail is off: bounces may go unheard."
        return warn(about, message)
    return note(about, f"{identity.name} {how}: bounces and complaints are told by mail only.")


def _recommendations(region: Region, about: str) -> Iterator[Remark]:
    for each in region.recommendations:
        say = warn if each.impact == "HIGH" else note
        yield say(about, f"The advisor recommends ({each.kind}): {each.text}")


def _addresses(region: Region, about: str, seen: Collection[str]) -> Iterator[Remark]:
    if not region.dedicated:
        return
    used = sorted(region.dedicated & frozenset(seen))
    idle = sorted(region.dedicated - frozenset(seen))
    if used:
        yield note(about, f"Dedicated addresses that reports showed: {', '.join(used)}.")
    if idle:
        yield note(about, f"Dedicated addresses that no report showed: {', '.join(idle)}.")


_RULES: tuple[Callable[[Region, str], Iterator[Remark]], ...] = (
    _standing,
    _rates,
    _identities,
    _events,
    _recommendations,
)
