"""Every number the verdict turns on, with its reason (JUDGEMENT 6); all of them configurable."""

from dataclasses import dataclass

from dmarcwatch.verdict import Target


@dataclass(frozen=True, slots=True)
class Limit:
    """One number for each policy: what is enough to quarantine may be too little to reject."""

    quarantine: float
    reject: float

    def at(self, target: Target) -> float:
        """The number for `target`."""
        return self.reject if target is Target.REJECT else self.quarantine


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days for each policy."""

    quarantine: int
    reject: int

    def at(self, target: Target) -> int:
        """The days for `target`."""
        return self.reject if target is Target.REJECT else self.quarantine


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of all gates and of the rules behind them."""

    # Days that are judged
    underway_days: int = 2
    """The last day judged is so many days before `as_of`: reports of yesterday are still under way."""
    window_days: Days = Days(30, 60)
    """Days judged. 30 clean days bound the share of bad days below 10 %, 60 below 5 %; RFC 9989
    section 7.4 asks for a month and an equal month."""
    reach_days: Days = Days(45, 80)
    """The window reaches back so far after a holiday, until it holds `covered_share` of what a plain
    window is expected to hold: silence is not evidence, and neither is it guilt."""
    long_days: int = 62
    """Two months with any month-end: what a monthly run needs to be seen twice."""
    few_active_days: int = 8
    """A stream active on fewer days of the window is judged by its own gates over `long_days`."""
    expected_weeks: int = 8
    """Weeks whose mean says what a weekday is expected to bring."""
    expected_messages: float = 4.0
    """A weekday of fewer messages than this may well be empty by chance, so it is not expected."""
    few_expected_days: int = 10
    """With fewer expected days in a window coverage cannot be measured and is not asked for."""

    # Statistics
    rho: float = 0.05
    """Correlation of messages of one stream and day: one broken key fails them all. With it no day
    of a stream is worth more than 20 independent messages (dmarc.md 5.3, checked by simulation)."""
    bad_day_failures: int = 3
    """Fewer failures than this make no bad day: single messages break at random."""
    bad_day_share: float = 0.05
    """Share of a day's mail that makes it a bad day."""
    small_stream_daily: float = 20.0
    """A stream of fewer messages a day has a bad day with one failure above the share."""

    # Evidence
    history_days: Days = Days(31, 61)
    """Days since the first report: a month, and a month more (RFC 9989 section 7.4)."""
    enforced_days: int = 31
    """Days at full quarantine before reject: an equally long period (RFC 9989 section 7.4)."""
    covered_share: float = 0.90
    """Covered share of the expected days: a weekday sender is covered."""
    longest_gap_days: int = 14
    """Calendar days in a row without a report on own mail."""
    messages: Days = Days(100, 200)
    """Own messages in the window; 100 without a failure bound the share below 3 %."""
    patient_days: Days = Days(90, 120)
    """Small domains get there by time: so many days with `patient_messages` will do."""
    patient_messages: Days = Days(30, 60)
    """Own messages within `patient_days`."""
    month_turns: Days = Days(1, 2)
    """Turns of a month (28th to 3rd) since the first report: payroll and invoices."""
    reporters: int = 3
    """Organisations that reported on own mail: one evaluator's bug must not decide."""
    reporters_small: int = 2
    """The same for a domain of fewer than `small_monthly` messages a month."""
    small_monthly: int = 300
    """Own messages in 30 days under which few reporters are the rule."""
    lone_reporter_days: int = 60
    """A single reporter is enough after so many days ..."""
    lone_reporter_messages: int = 300
    """... and so many own messages."""
    unread_share: Limit = Limit(0.02, 0.005)
    """Messages and reports that could not be read in full: what hides there may fail."""
    thin_sample: float = 10.0
    """A stream of a smaller effective sample is unproven: 10 without a failure bound at 26 %."""
    thin_share: Limit = Limit(0.05, 0.02)
    """Share of own mail that may come from unproven streams."""
    quiet_days: Days = Days(14, 30)
    """Days without a new own stream: a new sender needs watching."""
    quiet_dkim_share: float = 0.98
    """A new stream whose first day is signed and aligned to this share was set up before it sent."""
    dominant_share: float = 0.90
    """One reporter with more than this speaks for all, unless ..."""
    dominant_others: int = 100
    """... the others saw so many messages pass."""

    fresh_days: int = 7
    """Days, yesterday included, whose failures are too new to tell what they are ..."""
    fresh_share: float = 0.05
    """... where they are so much of the sender's mail of these days ..."""
    fresh_ratio: float = 2.0
    """... and so many times its share before ..."""
    fresh_own_share: float = 0.001
    """... and so much of the domain's own mail of a month. Simulated: nearly no safe domain waits for it."""
    unclaimed_share: Limit = Limit(0.005, 0.0025)
    """Unknown mail of one place that is more than this beside the domain's own is waited for, until it came
    back or did not: half of what a wrong "ready" may lose. A network's over `long_days`; a domain's that
    authenticates over `lone_run_days`, after which a monthly run has come again."""
    unclaimed_days: int = 3
    """Active days of a network that are more often a small server's than a spoofer's."""
    unclaimed_many: int = 40
    """With more unknown places than this nothing is waited for: they are spoofers'."""
    lone_domains: int = 1
    """With more unknown domains that authenticate and fail they are spoofers' throwaways ..."""
    lone_share: float = 0.10
    """... as is one that brings more than this beside the domain's own mail: vendors' runs are smaller. A
    network on a day or two is waited for between twice `unclaimed_share` and half of this, and only where
    no other place fails."""

    # Harm
    failing_share: Limit = Limit(0.02, 0.01)
    """Upper bound of the failing share of own mail, and the share at which one stream blocks."""
    failing_messages: Days = Days(5, 2)
    """So few failing messages are no harm whatever their share: small domains have wide bounds."""
    failing_messages_share: Limit = Limit(0.003, 0.002)
    """The same for large domains, as a share of own mail."""
    bad_days: int = 1
    """Bad days in the window that prove nothing."""
    bad_days_share: Limit = Limit(0.15, 0.08)
    """Upper bound of the share of bad days: rare whole-day failures hide from a bound on messages."""
    stream_share: Limit = Limit(0.02, 0.01)
    """Failing share at which one stream blocks: a small sender that fails must block."""
    critical_share: Limit = Limit(0.01, 0.005)
    """The same for a stream the user calls critical."""
    stream_messages: int = 2
    """Failing messages of a stream that block nothing yet."""
    lost_messages: int = 1
    """The same where `total_day_share` of the stream fails: two of two are no chance."""
    stream_days: int = 2
    """Days with failures that show more than one incident."""
    total_day_share: float = 0.50
    """A day with at least this share failing (and 3 messages) lost its mail."""
    total_day_apart: int = 7
    """Two such days so far apart are a rhythm and not one incident."""
    state_messages: int = 2
    """Messages of a failing state over `long_days` that block nothing yet."""
    state_away_days: int = 14
    """Days without the state after which it may count as mended ..."""
    gap_factor: float = 1.5
    """... if that is so many times the largest gap it has shown before, `long_days` at most."""
    episodes: int = 3
    """So many faults apart by `episode_days` or more, within two long windows, will come again whatever
    their rhythm: only `long_days` without one close them."""
    episode_days: int = 15
    """More than two weeks, so that a weekly sender's fault that skipped a week is still one fault."""
    apart_days: int = 3
    """Days of a fault that are no further apart are one time that it came: weekends lie between."""
    lasting_fault_days: int = 7
    """A fault that came to stay for so many days ended because somebody mended it."""
    run_days: int = 5
    """A fault whose days all lie within so many is one run: payrolls and newsletters take days."""
    incident_share: float = 0.30
    """An incident takes at least so much of a stream's mail, and visibly leaves less that passes."""
    lone_run_days: int = 36
    """A failing state seen in one run only may come back in a month, and some days, where it came on top
    of the stream's usual mail. In the place of that mail it was an incident, which is over once the mail
    passes again (simulated: a run over two or three days was taken for mended after 14)."""
    random_break_share: float = 0.005
    """Signatures break at random; below this share of a stream `own-dkim-broken` means nothing."""
    fixed_days: Days = Days(14, 31)
    """Days away from the last bad day after which a stream is judged since then."""
    passing_days: Days = Days(28, 56)
    """The same for a fault that came for a few days and went by itself: nobody mended it, so it is a month
    without it that shows anything. Simulated: no safe domain waits longer, and faults that come back
    after weeks are found."""
    fixed_active_days: int = 10
    """Active days among them, so that being mended was shown and not assumed; fewer where chance would
    have shown the fault again with 95 % (rare senders would wait for months otherwise)."""
    total_fixed_days: int = 3
    """The same after a fault that came to stay and took every day: one that is still there would take
    these as well ..."""
    total_fixed_messages: int = 20
    """... or so many messages that pass: a monthly sender shows it with its next run."""
    doubtful_share: Limit = Limit(0.05, 0.02)
    """Upper bound of failing, unverified and indeterminate together: reporters' bugs and DNS."""
    odd_share: float = 0.05
    """Doubtful share of one reporter's messages above which, if nobody else doubts, the reporter is odd
    and not the mail; its failures still count. dmarc.md 3.3 has 20 %, but a reporter of most of the
    mail needs less to close the gate by itself."""
    dkim_share: Limit = Limit(0.95, 0.98)
    """Aligned DKIM of each owned stream; below the first a warning, below the second no reject
    (RFC 9989 section 7.4: reject must not rely on SPF alone)."""
    dkim_messages: int = 2
    """Messages without aligned DKIM that prove nothing about a small stream."""
    forwarded_share: Limit = Limit(1.0, 0.01)
    """Broken forwarded mail as a share of own mail: the owner cannot mend it, only not reject it."""
    listed_share: float = 0.001
    """Share of mail that came by mailing lists from which on people are among the senders."""

    # Unknown senders
    listed_stream_share: float = 0.10
    """Share of a stream's mail that reporters call forwarded or listed: with a broken signature of
    another sender two signs say so, and one is not enough (dmarc.md 6)."""
    persistent_days: int = 10
    """Active days of the last `persistent_window` that show a sender and not a wave."""
    persistent_window: int = 30
    """A month."""
    persistent_reporters: int = 2
    """Organisations that saw it; fewer where fewer report on the domain."""
    persistent_messages: int = 10
    """More failing messages than this in the window ask for an answer."""
    closed_messages: int = 5
    """Fewer failing messages than this close the question again."""
    monthly_months: int = 2
    """Calendar months of `long_days` on whose days it was active: a vendor's monthly run."""
    monthly_messages: int = 4
    """More failing messages than this in all runs of a rhythm ask for an answer. JUDGEMENT has 5 over
    `long_days`; so one wrong "ready" day of twenty is found more."""
    monthly_runs: int = 2
    """More runs than this are a rhythm however small they are."""
    monthly_share: Limit = Limit(0.001, 0.0005)
    """Share of own mail of the same time above which two runs a month apart ask; more runs always do."""
    monthly_sure_share: Limit = Limit(0.005, 0.0025)
    """The same for more than `monthly_runs` where `odd_many` places come back at odd intervals."""
    odd_many: int = 2
    """So many places of a kind that come back at odd intervals are a spoofer's: then some come back after
    a month by chance."""
    lasting_days: int = 6
    """Active days of `long_days` that show a sender in a domain that mails little ..."""
    lasting_span: int = 30
    """... so many days from the first to the last of them ..."""
    lasting_share: Limit = Limit(0.01, 0.005)
    """... with more than this share of own mail."""
    passed_on_share: float = 0.01
    """Share of own unsigned mail that one forwarder may well pass on: unsigned mail shows nothing of the
    domain once it is forwarded, so as much as this asks nothing."""
    steady_many: int = 1
    """With more places that keep at it day after day only the regular ones ask; spoofers come back from
    several networks."""
    regular_share: float = 0.7
    """Of the days on which a daily sender of the same mail would be active: a server is, a spoofer is not."""
    run_ratio: float = 3.0
    """Two runs of a rhythm differ in size by no more than this or than chance explains: a vendor's list is
    much the same each month. More runs need not, as reporters miss some."""
    monthly_rhythm: tuple[int, int] = (28, 33)
    """Days between monthly runs."""
    weekly_gaps: int = 3
    """Gaps in multiples of 7 days that show a weekly rhythm ..."""
    weekly_share: float = 0.75
    """... where at least so many of all gaps are."""
    unknown_share: Limit = Limit(0.02, 0.005)
    """Unknown failing mail that carries a signature of the domain or authenticates as a domain that
    comes back: the bound on misjudged mail."""
    come_back_days: int = 7
    """Days after which a foreign domain has come back: throwaway domains are used up before."""

    # What changed
    baseline_days: int = 30
    """Days before the recent ones that a stream is compared with."""
    recent_days: int = 7
    """The days compared; they end yesterday, because a break must be seen at once."""
    baseline_sample: float = 30.0
    """Effective sample of the baseline below which nothing can have got worse."""
    baseline_pass: float = 0.90
    """Lower bound of the baseline's passing share."""
    recent_sample: float = 10.0
    """Effective sample of the recent days."""
    recent_pass: float = 0.80
    """Upper bound of the recent passing share: 5 of 10 at best."""
    fall_days: int = 3
    """Active days in a row of `fall_messages` each below `fall_pass` are a fall without any bound ..."""
    fall_messages: int = 5
    """... of so many messages each ..."""
    steep_days: int = 2
    """... or so many active days in a row ..."""
    steep_messages: int = 20
    """... of so many messages each."""
    fall_pass: float = 0.50
    """Passing share of a day of a fall."""
    recovered_days: int = 14
    """Active days in a row of at least `recovered_pass` that close a fall."""
    recovered_pass: float = 0.90
    """Passing share of a day after the fall."""
    silent_days: int = 7
    """Days without mail before a regular sender counts as silent ..."""
    silent_gaps: int = 3
    """... or so many times its median gap."""
    silent_regular_days: int = 10
    """Active days that make a sender regular."""
    silent_closed_days: int = 30
    """Days after which silence is the new state."""

    # While enforcing
    broken_sample: float = 5.0
    """Effective sample of the last week below which a critical stream's break is not sure."""
    roll_back_messages: int = 5
    """Failing messages of the last week that do not call for a step back."""
    roll_back_days: int = 2
    """Days of the last week they must lie on."""
    reports_silent_days: int = 7
    """Expected days in a row without any report before that is worth a look."""
    staged_days: int = 14
    """Recommended days on the staged rung: lists rewrite From and nobody is quarantined yet."""


DEFAULT_THRESHOLDS = Thresholds()
"""The limits as JUDGEMENT gives them, and those that simulation found since (docs/calibration.md)."""
