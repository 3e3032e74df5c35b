"""Filters of plugins, loaded where templates are rendered."""

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pluggy
from muster_sdk import TemplateFilter, hookspecs
from muster_sdk.hookspecs import PROJECT

from plugins.validation import check_filter


def load_filters(entry_points: Sequence[str]) -> list[TemplateFilter]:
    """Return the filters of those plugins that work; to templates the others' are unknown."""
    filters: dict[str, TemplateFilter] = {}
    for entry_point in entry_points:
        try:
            manager = pluggy.PluginManager(PROJECT)
            manager.add_hookspecs(hookspecs)
            manager.register(EntryPoint("filters", entry_point, PROJECT).load())
            for added in manager.hook.register_template_filters():
                for one in added:
                    check_filter(one)
                    filters.setdefault(one.name, one)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code; a channel works without it
            sys.stderr.write(f"the filters of {entry_point} could not be loaded: {type(error).__name__}\n")
    return list(filters.values())
