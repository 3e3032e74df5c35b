"""The end of a plugin's process, in words."""

import signal


def how_it_ended(status: int) -> str:
    if status < 0:
        return f"ended its process: signal {-status} ({signal.Signals(-status).name})"
    return f"ended its process: status {status}"
