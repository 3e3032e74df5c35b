"""The hooks by which a plugin joins Muster. The entry-point group has the same name: "muster"."""

from collections.abc import Sequence

import pluggy

from muster_sdk.channel import Channel
from muster_sdk.observers import Observer, TemplateFilter
from muster_sdk.segments import Behavior, Dimension

__all__ = [
    "PROJECT",
    "hookimpl",
    "hookspec",
    "register_behaviors",
    "register_channels",
    "register_dimensions",
    "register_observers",
    "register_template_filters",
]

PROJECT = "muster"
"""The project name of the hooks and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a hook of Muster. Plugins need `hookimpl`."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of that name.

    from muster_sdk import Channel, hookimpl

    @hookimpl
    def register_channels() -> list[Channel]:
        return [Pigeons()]
"""


@hookspec
def register_channels() -> Sequence[Channel]:  # type: ignore[empty-body]  # a hook has no body of its own
    """Return the channels of this plugin. Called in every process that describes or runs the plugin.

    An exception leaves out this plugin's channels only. A key that is taken already is refused.

        @hookimpl
        def register_channels() -> list[Channel]:
            return [Pigeons()]
    """


@hookspec
def register_dimensions() -> Sequence[Dimension]:  # type: ignore[empty-body]  # a hook has no body of its own
    """Return the dimensions that this plugin adds to segments. Called once, when a process starts.

    An exception leaves out this plugin only. A key that is taken already is refused, with the plugin's name.

        @hookimpl
        def register_dimensions() -> list[Dimension]:
            return [Dimension("pet", "Pet", "profile", ValueKind.TEXT, PropertyValue("pet"))]
    """


@hookspec
def register_behaviors() -> Sequence[Behavior]:  # type: ignore[empty-body]  # a hook has no body of its own
    """Return the behaviors of this plugin: types of events, with typed attributes. Called once, when a process starts.

    An exception leaves out this plugin only. A type that is known already is refused, with the plugin's name.

        @hookimpl
        def register_behaviors() -> list[Behavior]:
            return [Behavior("class.attended", "Attended a class", "visiting", [EventAttribute("teacher", "Teacher")])]
    """


@hookspec
def register_observers() -> Sequence[Observer]:  # type: ignore[empty-body]  # a hook has no body of its own
    """Return the observers of this plugin. Called once, when a process starts.

    An exception leaves out this plugin only. A key that is taken already is refused, with the plugin's name.

        @hookimpl
        def register_observers() -> list[Observer]:
            return [Ledger()]
    """


@hookspec
def register_template_filters() -> Sequence[TemplateFilter]:  # type: ignore[empty-body]  # a hook has no body
    """Return the filters that this plugin adds to templates. Called once, when a process starts.

    An exception leaves out this plugin only. A name that is taken already is refused, with the plugin's name.

        @hookimpl
        def register_template_filters() -> list[TemplateFilter]:
            return [TemplateFilter("shout", lambda text: text.upper() + "!")]
    """
