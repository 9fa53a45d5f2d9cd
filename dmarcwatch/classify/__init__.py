"""A record -> who sent it, in which state, and what DMARC says of it, recomputed.

`evaluate` recomputes DMARC, `outcome` words it, `naming` says who operates the source, `classifier`
joins them and remembers what it has answered.
"""

from dmarcwatch.classify.classifier import UNALIGNED, Classification, Classifier, network_of, no_ptr

__all__ = ["UNALIGNED", "Classification", "Classifier", "network_of", "no_ptr"]
