"""Templates that strangers wrote: what they can say, and what they cannot do to the machine."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import TemplateFilter, TemplateInvalid

from domain.templates.limits import FILTERED_LENGTH, FILTERS, SOURCE_LENGTH, STATEMENTS
from domain.templates.rendering import OUTPUT_LENGTH, MinijinjaTemplates
from domain.templates.usage import TemplateUsage
from tests.properties import examples

ANN = {"customer": {"name": "Ann <b>", "tags": ["new", "VIP"], "property": {"size": 42}, "city": None}}
TEN = "[1,2,3,4,5,6,7,8,9,10]"


def render(source: str, *, html: bool = False) -> str:
    return MinijinjaTemplates().compile(source, html=html).render(ANN)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ customer.name }}!\n", "Hi Ann <b>!\n"),
        ("{{ customer.property.size }}", "42"),
        ("{{ customer['name'] }}", "Ann <b>"),
        ("{{ customer.name|upper }}", "ANN <B>"),
        ("{{ nobody }}{{ nobody.at.all }}{{ customer.property.none }}", ""),
        ("{{ customer.city }}", ""),
        ("{{ customer.nick|default('you') }}", "you"),
        ("{% for tag in customer.tags %}{{ loop.index }}{{ tag }} {% endfor %}", "1new 2VIP "),
        ("{% if 'VIP' in customer.tags %}yes{% else %}no{% endif %}", "yes"),
        ("{% set greeting = 'Dear ' ~ customer.name %}{{ greeting }}", "Dear Ann <b>"),
        ("{# a note: {{ nothing }} #}{{ {'a': {'b': 1}}.a.b }}", "1"),
        ('{{ "}}" }}{{ "%}" }}', "}}%}"),
        ("{% raw %}{{ as it is }}{% endraw %}{{ 1 + 1 }}", "{{ as it is }}2"),
        ("a { b } % c {", "a { b } % c {"),
    ],
)
def test_a_template_says_what_it_should(source: str, text: str) -> None:
    assert render(source) == text


def test_what_variables_hold_is_escaped_in_html_once() -> None:
    assert render("<i>{{ customer.name }}</i>", html=True) == "<i>Ann &lt;b&gt;</i>"
    assert render("{{ customer.name|e }}", html=True) == "Ann &lt;b&gt;"
    assert render("{{ '<b>' }}", html=True) == "&lt;b&gt;"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("one\n{{ customer. }}", 2),
        ("one\ntwo\n{% for %}", 3),
        ("\n\n{{ x|indent(3) }}", 3),
        ("{{ 'open }}", 1),
        ("\n{% if x %}", 2),
        ("{# ends nowhere", 1),
        ("\n{% raw %} ends nowhere", 2),
        ("{{ (1 }}", 1),
        ("\n\n\n{% widget %}", 4),
        ("{{ 1 / 0 }}", 1),
    ],
)
def test_a_fault_names_its_line(source: str, line: int) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        render(source)
    assert refused.value.line == line


BOMBS = {
    "nested loops": "".join(f"{{% for a{n} in {TEN} %}}" for n in range(8)) + "x" + "{% endfor %}" * 8,
    "loops over letters": "{% for a in customer.name %}" * 12 + "{{ customer }}" + "{% endfor %}" * 12,
    "a huge text in a loop": f"{{% for a in {TEN} %}}" * 5 + "x" * 150_000 + "{% endfor %}" * 5,
    "a variable in a loop": f"{{% for a in {TEN} %}}" * 5 + "{{ customer }}" * 9 + "{% endfor %}" * 5,
    "doubling by ~": "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "doubling by +": "{% set a = 'x' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "doubling by turns": "{% set a = 'x' %}" + "{% set b = a ~ a %}{% set a = b ~ b %}" * 20 + "{{ a }}",
    "doubling within a loop's list": "".join(f"{{% for a{n + 1} in [a{n} ~ a{n}] %}}" for n in range(40))
    + "{{ a40 }}"
    + "{% endfor %}" * 40,
    "lists of lists": "{% set a = ['x'] %}" + f"{{% set a = [{','.join('a' * 10)}] %}}" * 9 + "{{ a }}",
    "dictionaries": "{% set a = {'x': 1} %}" + "{% set a = {'x': a, 'y': a, 'z': a} %}" * 20 + "{{ a }}",
    "lists measured": "{% set a = ['x'] %}" + f"{{% set a = [{','.join('a' * 10)}] %}}" * 9 + "{{ (a ~ '')|length }}",
    "escapes of escapes": "{{ customer.name" + "|urlencode" * 40 + " }}",
    "repeats": "{{ 'x' * 1000000000 }}",
    "repeated lists": "{{ [1] * 1000000000 }}",
    "powers": "{{ 9 ** 9 ** 9 }}",
    "format": "{{ '%1000000000d'|format(1) }}",
    "indent": "{{ 'x'|indent(1000000000) }}",
    "replace": "{{ customer.name|replace('', 'x') }}",
    "join": "{{ customer.tags|join('x') }}",
    "batch": "{{ customer.tags|batch(1000000000, 'x') }}",
    "range": "{% for n in range(1000000000) %}x{% endfor %}",
    "macros": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "calls": "{% call m() %}x{% endcall %}",
    "set blocks": "{% set a %}x{% endset %}",
    "filtered set blocks": "{% set a | upper %}x{% endset %}",
    "filter blocks": "{% filter upper %}x{% endfilter %}",
    "namespaces": f"{{% set n = namespace(a='x') %}}{{% for i in {TEN} %}}{{% set n.a = n.a ~ n.a %}}{{% endfor %}}",
    "recursive loops": "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
    "insides": "{{ debug() }}",
    "includes": "{% include 'template' %}",
    "imports": "{% from 'template' import x %}",
    "blocks": "{% block a %}{{ self.a() }}{% endblock %}",
    "behind a quote": '{{ "}}" ~ "x" * 1000000000 }}',
    "behind a bracket": "{{ {'a': {'b': 1}} | indent(1000000000) }}",
    "behind a raw comment": "{% raw %}{#{% endraw %}{{ 'x' * 1000000000 }}{# #}",
    "behind a raw quote": "{% raw %}{{ '{% endraw %}{{ [1] * 1000000000 }}{# ' }} #}",
    "behind an escaped quote": r"{{ 'a\'}}' ~ 'x' * 1000000000 }}",
    "nested brackets": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "nested ifs": "{% if 1 %}" * 9_000 + "{% endif %}" * 9_000,
    "a chain of nots": "{{ " + "not " * 40_000 + "1 }}",
    "a chain of signs": "{{ " + "-" * 190_000 + "1 }}",
    "a chain of operators": "{{ " + "1 + " * 40_000 + "1 }}",
    "a chain of attributes": "{{ a" + ".b" * 90_000 + " }}",
    "a chain of filters": "{{ a" + "|abs" * 40_000 + " }}",
    "a chain of elif": "{% if a %}" + "{% elif a %}" * 15_000 + "{% endif %}",
    "chains of elif within each other": ("{% if a %}" + "{% elif a %}" * 100) * 140 + "{% endif %}" * 140,
    "brackets around a target": "{% set " + "(" * 60_000 + "a" + ")" * 60_000 + " = 1 %}",
    "a long gap in a set": "{% set " + " " * 190_000 + "= 1 %}",
    "unclosed brackets": "{{ " + "[" * 190_000,
    "unclosed code": "{{" * 90_000,
    "unclosed comments": "{#" * 90_000,
    "unclosed quotes": "{{ '" * 40_000,
    "a long literal": "{{ '" + "x" * 1_001 + "' }}",
    "a long template": "x" * (SOURCE_LENGTH + 1),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("html", [False, True])
def test_a_bomb_is_refused_in_no_time(name: str, html: bool) -> None:
    began = process_time()
    with pytest.raises(TemplateInvalid):
        render(BOMBS[name], html=html)
    assert process_time() - began < 5


def test_what_is_printed_is_bounded_however_short_the_steps() -> None:
    template = MinijinjaTemplates().compile("{{ a }}{{ b }}")
    assert len(template.render({"a": "x" * OUTPUT_LENGTH, "b": ""})) == OUTPUT_LENGTH
    with pytest.raises(TemplateInvalid, match="1,000,000"):
        template.render({"a": "x" * OUTPUT_LENGTH, "b": "y"})
    assert template.render({"a": 1, "b": 2}) == "12"


def test_what_is_raw_is_text_to_the_limits_as_to_the_engine() -> None:
    for before, after, space in product(("", "-", "+"), ("", "-", "+"), ("", " ", "\n")):
        opening, closing = (f"{{%{before}{space}{word}{space}{after}%}}" for word in ("raw", "endraw"))
        assert render(f"{opening}{{{{ 'x' * 9 }}}}{closing}") == "{{ 'x' * 9 }}"


def test_long_chains_are_within_the_limits_as_long_as_the_stack_bears_them() -> None:
    assert render("{{ " + "1 + " * 200 + "1 }}") == "201"
    assert render("{% if 0 %}" + "{% elif 0 %}" * 98 + "{% else %}x{% endif %}" + "{% if 1 %}y{% endif %}" * 200) == (
        "x" + "y" * 200
    )


def test_a_page_of_ordinary_mail_is_within_the_limits() -> None:
    line = "<tr><td>{{ customer.name|upper ~ ', ' ~ customer.property.size }}</td></tr>\n"
    page = "{% set shop = 'Tea & Co' %}" + line * 400 + "{% for tag in customer.tags %}{{ tag ~ shop }}{% endfor %}"
    assert render(page, html=True).count("<tr>") == 400


CODE = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "~", "*", "|", "(", ")", "[", "]", "{", "}", ",", ":", "="),
        *("'", '"', "\\", "\n", " ", ".", "raw", "endraw", "a", "b", "in", "is", "not", "1", "1e9", "0"),
        *STATEMENTS,
        *FILTERS,
    ]
)
SOURCES = st.one_of(
    st.lists(CODE, max_size=40).map(" ".join),
    st.lists(CODE, max_size=40).map("".join),
    st.lists(CODE, max_size=12).map(lambda code: f"{{{{ {' '.join(code)} }}}}"),
    st.text(max_size=80),
)


@examples(300)
@given(SOURCES, st.booleans())
def test_whatever_is_written_is_rendered_or_refused(source: str, html: bool) -> None:
    with suppress(TemplateInvalid):
        assert len(render(source, html=html)) <= OUTPUT_LENGTH


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("{{ customer.property.size }}", True),
        ("{{ customer['property'].size }}", True),
        ("{% for name in customer.property %}{{ name }}{% endfor %}", True),
        ("{% set buyer = customer %}{{ buyer.property.size }}", True),
        ("{% set customer = customer %}{{ customer.property.size }}", True),
        ("{% for customer in [customer] %}{{ customer.property.size }}{% endfor %}", True),
        ("{{ (customer if true else store).property }}", True),
        ("{{ customer[key] }}", True),
        ("{{ customer.name }}, a property", False),
        ("{{ customer.propertyless }}{{ property }}", False),
        ("{% raw %}{{ customer.property }}{% endraw %}", False),
        ("Hi", False),
    ],
)
def test_a_template_knows_what_it_reads(source: str, reads: bool) -> None:
    assert MinijinjaTemplates().compile(source).reads("customer.property") is reads


def test_the_usage_of_several_templates_is_that_of_any() -> None:
    usage = TemplateUsage(MinijinjaTemplates())
    assert usage.reads("customer.property"), "nothing is compiled yet: it is not known"
    usage.compile("Hi")
    assert not usage.reads("customer.property")
    usage.compile("{{ customer.property.size }}")
    assert usage.reads("customer.property")


def test_the_usage_of_templates_of_another_engine_is_not_known() -> None:
    class Shout:
        def render(self, variables: Mapping[str, object]) -> str:
            return "HI"

    class Shouts:
        def compile(self, source: str, *, html: bool = False) -> Shout:
            return Shout()

    usage = TemplateUsage(Shouts())
    usage.compile("Hi")
    assert usage.reads("customer.property")


def initials(name: str, separator: str = "") -> str:
    return separator.join(word[0] for word in name.split())


def shared(value: object) -> object:
    """What a filter makes is what it was called with."""
    return value


def lengthen(text: str) -> str:
    return text * FILTERED_LENGTH


def fail(_: object) -> float:
    return 1 / 0


ADDED = MinijinjaTemplates(
    [
        TemplateFilter("initials", initials),
        TemplateFilter("same", shared),
        TemplateFilter("long", lengthen),
        TemplateFilter("raising", fail),
    ]
)


def test_a_filter_of_a_plugin_works_like_one_of_the_engine() -> None:
    source = (
        "{{ customer.name|initials|lower }} {{ customer.name|initials('-') }} {{ customer.property.size|same + 1 }}"
    )
    assert ADDED.compile(source).render(ANN) == "a< A-< 43"
    assert ADDED.compile("{{ customer.name|same }}", html=True).render(ANN) == "Ann &lt;b&gt;"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ customer.name|raising }}", "The filter 'raising' failed: ZeroDivisionError"),
        ("{{ customer.city|initials }}", "The filter 'initials' failed: AttributeError"),
        ("{{ customer.tags|same }}", "The filter 'same' made a list: text or a number is right"),
        ("{{ customer.name|long }}", "The filter 'long' made more than 2,000 characters"),
    ],
)
def test_a_filter_of_a_plugin_that_misbehaves_is_named(source: str, reason: str) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        ADDED.compile(source).render(ANN)
    assert reason in refused.value.message


def test_a_filter_that_no_plugin_brings_is_told_with_those_there_are() -> None:
    with pytest.raises(TemplateInvalid, match=r"There is no filter 'capitals': use .*initials"):
        ADDED.compile("{{ customer.name|capitals }}")
