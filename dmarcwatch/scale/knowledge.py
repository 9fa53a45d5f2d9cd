"""What counted reports make known, so that what strangers invent beside it can be held (`plausible`).

The database asks its tables; here the same is kept in memory for the domains of one shard, and only where
there is a report that nobody vouches for. What people let through, and what `check` looked up in DNS, stands
in the database alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.plausible import VOUCHED, Held, Known, Told, implausible, impossible
from dmarcwatch.report import Dialect, Policy, PolicyPublished, Report
from dmarcwatch.scale.earlier import Earlier
from dmarcwatch.scale.recordsof import RecordsOf
from dmarcwatch.scale.settling import Entry

_POLICY_DAYS = timedelta(days=3)
_USUAL_REPORTS = 50
_Selector = tuple[str, str]


class ShardKnowledge:
    """What is known of the domains of one shard."""

    def __init__(self, entries: Iterable[Entry], records: RecordsOf, earlier: Earlier) -> None:
        self._records = records
        self._earlier = earlier
        self._asked = any(entry.tier not in VOUCHED for entry in entries)
        self._policies: defaultdict[str, Counter[tuple[date, str]]] = defaultdict(Counter)
        self._selectors: Counter[_Selector] = Counter()
        self._messages: defaultdict[tuple[str, str], dict[int, tuple[str, int]]] = defaultdict(dict)
        if self._asked:
            for domain, day, p, reports in earlier.policies():
                self._policies[domain][day, p] += reports
            for selector, passed in earlier.selectors():
                self._selectors[selector] += passed
            for entry in earlier.entries:
                if entry.status == "counted":
                    self._note_messages(entry, 1)

    def held(self, entry: Entry) -> Held | None:
        """Why a report cannot be what it says, beside what is known by now."""
        told = _told(entry)
        found = impossible(told)
        if found is None and entry.tier not in VOUCHED:
            found = implausible(told, self._known(entry, told))
        return found

    def count(self, entry: Entry, sign: int) -> None:
        """Take in a report that counts now (1), or counts no longer (-1)."""
        if not self._asked:
            return
        self._note_messages(entry, sign)
        if entry.tier not in VOUCHED:
            return
        if entry.p is not None:
            self._policies[entry.identity.policy_domain][entry.day, entry.p] += sign
        for selector, messages in _passing(self._records.of(entry.id)).items():
            self._selectors[selector] += sign * messages

    def _note_messages(self, entry: Entry, sign: int) -> None:
        known = self._messages[entry.identity.policy_domain, entry.identity.reporter]
        if sign > 0:
            known[entry.id] = (entry.identity.begin, entry.messages)
        else:
            known.pop(entry.id, None)

    def _known(self, entry: Entry, told: Told) -> Known:
        records = self._records.of(entry.id)
        passing = _passing(records)
        signers = {signer for signer, _ in passing}
        return Known(
            policies=frozenset(self._published(entry, told)),
            usual=self._usual(entry),
            addresses=_addresses(records),
            passing_selectors=frozenset(selector for _, selector in passing),
            seen_selectors=frozenset(each[1] for each in passing if self._selectors[each] > 0),
            any_selector_seen=any(
                seen > 0 and signer in signers for (signer, _), seen in self._selectors.items()
            ),
        )

    def _published(self, entry: Entry, told: Told) -> Iterable[str]:
        first = (told.report.begin - _POLICY_DAYS).date()
        last = (told.report.end + _POLICY_DAYS).date()
        known = self._policies[entry.identity.policy_domain]
        return (p for (day, p), reports in known.items() if reports > 0 and first <= day <= last)

    def _usual(self, entry: Entry) -> list[int]:
        """Messages of the last counted reports of the same reporter on the same domain."""
        place = (entry.identity.policy_domain, entry.identity.reporter)
        known = dict(self._earlier.messages(*place)) | self._messages[place]
        known.pop(entry.id, None)
        return [messages for _, messages in sorted(known.values(), reverse=True)[:_USUAL_REPORTS]]


def _told(entry: Entry) -> Told:
    begin, end = datetime.fromisoformat(entry.identity.begin), datetime.fromisoformat(entry.identity.end)
    policy = PolicyPublished(entry.identity.policy_domain, p=Policy(entry.p) if entry.p else None)
    head = Report(entry.identity.org_name, None, entry.report_id, begin, end, policy, Dialect.RFC7489)
    return Told(head, entry.tier, datetime.fromisoformat(entry.received_at), entry.messages)


def _passing(records: pa.Table) -> Counter[_Selector]:
    """Own signatures that pass, with their messages; those without selector say nothing."""
    signatures = records["own_signatures"].combine_chunks()
    if not len(signatures.flatten()):
        return Counter()
    messages = records["messages"].take(pc.list_parent_indices(signatures)).to_pylist()
    found: Counter[_Selector] = Counter()
    for signature, count in zip(signatures.flatten().to_pylist(), messages, strict=True):
        if signature["passed"] and signature["selector"]:
            found[signature["domain"], signature["selector"]] += count
    return found


def _addresses(records: pa.Table) -> dict[str, int]:
    found: Counter[str] = Counter()
    for ip, messages in zip(records["source_ip"].to_pylist(), records["messages"].to_pylist(), strict=True):
        if ip is not None:
            found[ip] += messages
    return found
