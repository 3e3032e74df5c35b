"""A zoo of plugins that misbehave when they are imported or asked: each is named, and the server has the others."""

import socket
import sys
from pathlib import Path

import pydantic
import pytest

from tests.plugins.conftest import Install, find_plugins

BRINGS = "@hookimpl\ndef register_channels():\n    return [Pigeon(key={key!r})]\n"
HOOK = "@hookimpl\ndef register_channels():\n    "
# By its name: the code, and what is said of it; nothing where only it suffers.
ZOO: dict[str, tuple[str, str | None]] = {
    "raises": ("raise OSError('no loft')", "OSError: no loft"),
    "hangs": ("import time\ntime.sleep(3600)", "it was not loaded in 20 seconds"),
    "spins": ("while True:\n    pass", "it was not loaded in 20 seconds"),
    "stops": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "it was not loaded in 20 seconds"),
    "leaves": ("import os\nos._exit(3)", "it ended its process: status 3 while it was loaded"),
    "leaves-well": ("import os\nos._exit(0)", "it ended its process: status 0 while it was loaded"),
    "quits": ("import sys\nsys.exit(4)", "SystemExit: 4"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "it ended its process: signal 11 (SIGSEGV) while it was loaded"),
    "eats": (
        "eaten = []\nwhile True:\n    eaten.append(bytearray(16 << 20))",
        "it needs more than the 512 MB of MUSTER_CHANNEL_MEMORY_MB",
    ),
    "shouts": (
        "import os, sys\nfor _ in range(100):\n    print('x' * 1_000_000)\n    sys.stderr.write('x' * 1_000_000)\n"
        "os.write(1, b'x' * 1_000_000)\n" + BRINGS.format(key="shouts"),
        None,
    ),
    "patches": (
        "import socket, pydantic\nsocket.socket = None\npydantic.BaseModel.model_validate = None\n"
        + BRINGS.format(key="patches"),
        None,
    ),
    "threads": (
        "import threading, time\n[threading.Thread(target=time.sleep, args=(3600,)).start() for _ in range(3)]\n"
        + BRINGS.format(key="threads"),
        None,
    ),
    "children": (
        "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])\n"
        "open(__file__ + '.pid', 'w').write(str(child.pid))\n" + BRINGS.format(key="children"),
        None,
    ),
    "closes": ("import os\nos.closerange(0, 100)\nimport time\ntime.sleep(3600)", "it closed what it should have"),
    "babbles": (
        "import os\nfor file in range(3, 20):\n    try:\n        os.write(file, b'{}x\\n')\n    except OSError:\n"
        "        pass\n" + BRINGS.format(key="babbles"),
        "it answered with what is no description of a plugin",
    ),
    "endless": (HOOK + "while True:\n        yield Pigeon()", "it brings more than 1,000 channels"),
    "talks-long": (HOOK + "return [Pigeon(label='x' * 5_000_000)]", "it describes itself in more than 4,000,000 bytes"),
    "nonsense": (HOOK + "return [None, 7, Pigeon(capabilities=Capabilities(max_batch='many'))]", "NoneType has no key"),
    "schemaless": (
        "class Odd(BaseModel):\n    model_config = {'arbitrary_types_allowed': True}\n    thing: object.__class__\n"
        "    call: __import__('collections.abc').abc.Callable[[], int]\n" + HOOK + "return [Pigeon(settings=Odd)]",
        "has settings without a JSON Schema",
    ),
    "promises": (
        HOOK + "return [Pigeon(capabilities=Capabilities(webhooks=True, connection_check=True))]",
        "the channel 'pigeon' does not keep what it declares: webhooks: it has no method read_webhook, connection",
    ),
    "writes-home": ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "ConnectionRefusedError"),
}


@pytest.mark.slow
def test_each_is_named_and_the_others_are_there_in_time(install: Install, tmp_path: Path) -> None:
    for name, (code, _) in ZOO.items():
        install(f"zoo-{name}", "\n" + code + "\n", entry_point=name)
    install("pigeon-post", "\n" + BRINGS.format(key="pigeon"))
    loaded = set(sys.modules)

    plugins = find_plugins()

    reasons = {fault.plugin: fault.reason for fault in plugins.faults}
    wrong = {name: reasons.get(name) for name, (_, reason) in ZOO.items() if not _is_told(reasons.get(name), reason)}
    assert wrong == {}
    assert {fault.package for fault in plugins.faults} == {f"zoo-{name}" for name in reasons}
    assert set(plugins.channels) == {"email", "pigeon", "shouts", "patches", "threads", "children"}
    assert not [name for name in set(sys.modules) - loaded if name.startswith(("zoo_", "pigeon"))]
    assert socket.socket is not None
    assert pydantic.BaseModel.model_validate is not None
    child = int((tmp_path / "zoo_children.py.pid").read_text())
    assert not _is_running(child)


def _is_told(told: str | None, reason: str | None) -> bool:
    return told is None if reason is None else told is not None and reason in told


def _is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
