"""`muster doctor`: checks of the configuration, of what is around a server, and of the stored data. It only reads."""

from api.doctor.findings import CheckResult, Finding
from api.doctor.registry import DATA_CHECKS, PROCESS_CHECKS
from api.doctor.rounds import run_checks

__all__ = ["DATA_CHECKS", "PROCESS_CHECKS", "CheckResult", "Finding", "run_checks"]
