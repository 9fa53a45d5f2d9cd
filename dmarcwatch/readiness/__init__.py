"""May the policy of a domain be tightened? A history and a day -> a verdict with its evidence (JUDGEMENT 6).

`timeline` holds what had arrived by the day, `legitimacy` says whose mail a stream is, `snapshot` and
`view` are what `gates` ask about, `decision` weighs their answers, `advice` says what to do, `explain`
puts it into words.
"""

from dmarcwatch.readiness.judge import Judge, judge

__all__ = ["Judge", "judge"]
