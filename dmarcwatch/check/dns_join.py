"""What reports showed beside the DNS of today: the policy, and Amazon SES where no account can be asked."""

from collections.abc import Callable, Container, Mapping

from dmarcwatch.check.discovery import Discovery
from dmarcwatch.check.dnscheck import DnsFound
from dmarcwatch.check.remarks import Remark, warn
from dmarcwatch.ses import SES
from dmarcwatch.sightings import FindingSeen, Sightings


def dns_joined(seen: Sightings, dns: DnsFound, *, asked: Container[str]) -> list[Remark]:
    """A remark for each finding that DNS can explain, in regions that no account was `asked` about."""
    return [
        warn(
            f"Amazon SES {finding.region}",
            f"Reports show: {finding.message}. {_TODAY[finding.word](seen, dns, finding)}",
        )
        for finding in seen.findings
        if finding.word in _TODAY and finding.region not in asked
    ]


def policy_joined(seen: Sightings, found: Discovery) -> list[Remark]:
    """A remark where reports found another policy than DNS has; the record may be new, or not everywhere."""
    if seen.policy is None or found.record is None or found.at != found.domain:
        return []
    policy = found.record.policy
    if policy == seen.policy:
        return []
    message = f"It asks for p={policy}, and most reports of {seen.until} found p={seen.policy}: "
    return [warn(f"_dmarc.{found.at}", f"{message}changed since, or not the same at every name server.")]


def _paths_today(seen: Sightings, dns: DnsFound, finding: FindingSeen) -> str:
    """The MX of the MAIL FROM domains that the region used."""
    used = {path.domain for path in seen.return_paths if (path.sender, path.region) == (SES, finding.region)}
    paths = {path.domain: path.sound for path in dns.mail_from if path.domain in used}
    lost = [domain for domain, sound in paths.items() if sound is False]
    if lost:
        return f"The MX of {', '.join(lost)} is wrong today."
    if paths and all(paths.values()):
        return (
            f"The MX of {', '.join(paths)} is right today; SES stops looking after 72 hours, so set the MAIL "
            "FROM domain up again."
        )
    return "What its MAIL FROM domain was is not known, or DNS does not answer for it."


def _keys_today(seen: Sightings, dns: DnsFound, finding: FindingSeen) -> str:
    """The keys of the selectors that signed in the region."""
    used = {(use.domain, use.selector) for use in seen.selectors if use.region == finding.region}
    keys = {key.selector: key.present for key in dns.keys if (key.domain, key.selector) in used}
    lost = [selector for selector, present in keys.items() if present is False]
    if lost:
        return f"No key is published today for {', '.join(lost)}."
    if keys and all(keys.values()):
        return "Its keys are published today; SES has stopped looking, so set DKIM up again."
    return "Whether its keys are published is not known."


_TODAY: Mapping[str, Callable[[Sightings, DnsFound, FindingSeen], str]] = {
    "mail-from-fallback": _paths_today,
    "own-dkim-vanished": _keys_today,
}
"""Findings of DESIGN 3.3 that DNS can explain."""
