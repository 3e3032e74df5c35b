"""A process that inspects one plugin: `python -m plugins.isolation.inspector NAME ENTRY_POINT MEMORY_MB TARGETS`.

It writes a description to its standard output, and ends at once: whatever the plugin has started ends with it.
"""

import os
import sys
from importlib.metadata import EntryPoint

from muster_sdk.hookspecs import PROJECT

from plugins.inspection import inspect, message_of, refused
from plugins.installation.directory import extend_import_path
from plugins.isolation.limits import limit_memory
from plugins.isolation.targets import Targets, guard_connections


def main(name: str, entry_point: str, memory_mb: int, allowed: str) -> None:
    answer = os.dup(1)
    # What a plugin prints is nobody's.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    extend_import_path()
    limit_memory(memory_mb)
    guard_connections(Targets(tuple(filter(None, allowed.split(",")))), lambda _address: None)
    write = os.write
    # Made before there may be no memory for it.
    starved = refused(f"it needs more than the {memory_mb} MB of MUSTER_CHANNEL_MEMORY_MB").as_json()
    # The plugin's time begins here; JSON may begin with a blank.
    write(answer, b" ")
    try:
        text = inspect(EntryPoint(name, entry_point, PROJECT)).as_json()
    except MemoryError:
        text = starved
    except BaseException as error:  # noqa: BLE001 - a stranger's code, and this process is for it
        text = refused(message_of(error)).as_json()
    text += b"\n"
    while text:
        text = text[write(answer, text) :]
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
