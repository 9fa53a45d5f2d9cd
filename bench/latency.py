"""A distant server on one machine: a port on loopback that forwards to another, late.

python -m bench.latency 8333 --round-trip-ms 30
"""

import argparse
import signal

from tests.collectors.wire import Wire


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int, help="port on 127.0.0.1 to forward to")
    parser.add_argument("--round-trip-ms", type=float, default=30.0)
    options = parser.parse_args()
    with Wire("127.0.0.1", options.port, delay_seconds=options.round_trip_ms / 2000) as wire:
        print(f"127.0.0.1:{wire.port} is {options.round_trip_ms:g} ms away", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
