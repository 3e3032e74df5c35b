"""Templates that are made to take the machine down, or to see more than a message shows (S8, F18, F19)."""

import pytest

from tests.domain.templates.test_rendering import BOMBS
from tests.hostile.target import Target

PARTS = ("subject", "preheader", "html", "text")
# Their cost is a process's that channels run in; the server's is to hand the content over.
ESCAPES = {
    "a class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a class by brackets": "{{ customer['__class__']['__init__']['__globals__'] }}",
    "a class by a filter": "{{ customer|attr('__class__') }}",
    "a class by a map": "{{ [customer]|map(attribute='__class__')|list }}",
    "globals of functions": "{{ lipsum.__globals__['os'].environ }}{{ cycler.__init__.__globals__ }}",
    "a function's code": "{{ customer.get.__func__.__code__ }}{{ customer.items() }}{{ customer.keys() }}",
    "what frameworks have": "{{ config }}{{ request }}{{ self }}{{ settings.SECRET_KEY }}{{ g }}{{ session }}",
    "the environment": "{{ environ }}{{ env }}{{ os.environ }}{{ MUSTER_SECRET_KEY }}{{ secret_key }}",
    "the engine": "{{ debug() }}{{ loop }}{{ caller() }}{{ super() }}{{ __builtins__ }}{{ state }}",
    "a file": "{% include '/etc/passwd' %}",
    "a file from here": "{% include 'template' %}",
    "a file by another way": "{% extends '/proc/self/environ' %}",
    "a module": "{% import 'os' as os %}{{ os.popen('id').read() }}",
    "a block of a block": "{% block a %}{{ self.a() }}{% endblock %}",
    "tags of other engines": "<%= File.read('/etc/passwd') %>${7*7}#{7*7}{php}echo 1;{/php}*{T(java.lang.Runtime)}",
    "format strings": "{{ '%s'|format(customer) }}{{ '{0.__class__}'.format(customer) }}{{ '%n%n%s' }}",
    "another's data": "{{ store.id }}{{ customers }}{{ campaign }}{{ recipients }}{{ list }}",
    "odd letters": "{{ customer.\u202ename }}{{ \u0441ustomer.name }}{{ customer.name\u200b }}",
    "controls": "{{ customer.name }}\x00\x01\x1b[31m",
    "numbers beyond all": "{{ " + "9" * 5_000 + " }}{{ 1e999 }}{{ -9223372036854775808 // -1 }}{{ 1 // 0 }}{{ 1 % 0 }}",
    "an index beyond all": "{{ customer.tags[99999999999999999999] }}{{ customer.name[-1:99:0] }}",
}  # fmt: skip
SHOWN = ("<class", "<function", "<built-in", "root:", "PATH=", "MUSTER_", "__init__", "mappingproxy")


@pytest.mark.parametrize("part", ["subject", "html", "text"])
@pytest.mark.parametrize("name", ESCAPES)
def test_a_template_sees_nothing_but_its_variables(target_server: Target, name: str, part: str) -> None:
    content = {"subject": "x", "text": "x", part: ESCAPES[name]}
    edited = target_server.kept(lambda: target_server.ours.edit_campaign(**content))
    assert edited.codes in ([], ["INVALID"]), edited
    preview = target_server.kept(target_server.ours.preview_campaign)
    assert set(preview.codes) <= {"INVALID"}, preview
    if not edited.codes:
        assert [word for word in SHOWN if word in preview.body.replace("{{", "")] == [], preview


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_template_that_explodes_is_refused(target_server: Target, name: str, part: str) -> None:
    content = {"subject": "x", "html": "x", part: BOMBS[name]}
    edited = target_server.kept(lambda: target_server.ours.edit_campaign(**content))
    if edited.codes:
        assert set(edited.codes) == {"INVALID"}, edited
        [error] = edited.json["data"]["campaignUpdate"]["userErrors"]
        assert error["field"] == ["input", "content", part]
    else:  # only those who render it see how large it grows
        preview = target_server.kept(target_server.ours.preview_campaign)
        assert preview.json["data"]["campaign"]["preview"] is None, preview.body[:500]


RENDERED = {
    "a letter a thousand times": "{% for c in customer.name %}{% for d in customer.name %}{{ customer.name }}{% endfor %}{% endfor %}",
    "a page at the limit": "x" * 199_000,
    "a page of variables": "{{ customer.name }}" * 490,
}  # fmt: skip


@pytest.mark.parametrize("name", RENDERED)
def test_a_template_at_the_limit_is_rendered_in_bounds(target_server: Target, name: str) -> None:
    edited = target_server.kept(lambda: target_server.ours.edit_campaign(subject="x", html=RENDERED[name]))
    assert edited.codes in ([], ["INVALID"]), edited
    preview = target_server.kept(target_server.ours.preview_campaign)
    assert len(preview.body) < 3_000_000


def test_a_page_shows_markup_in_a_name_as_text(target_server: Target) -> None:
    doors = target_server.doors
    name = "<img src=x onerror=alert(1)>\"'`"
    people = [{"externalId": "markup", "name": name}]
    doors.get("mutation ($i: [CustomerInput!]!) { customersUpsert(input: $i) { created } }", i=people)
    customer = doors.get('{ customer(externalId: "markup") { id } }')["customer"]["id"]
    page = "<p title=\"{{ customer.name }}\" class='{{ customer.name }}'>{{ customer.name }}</p>"
    edited = target_server.kept(lambda: target_server.ours.edit_campaign(subject="x", html=page))
    assert edited.codes == []
    document = "query ($id: ID!, $c: ID!) { campaign(id: $id) { preview(customerId: $c) { html } } }"
    preview = target_server.kept(lambda: doors.ask(document, id=target_server.ours.campaign, c=customer))
    html = preview.json["data"]["campaign"]["preview"]["html"]
    assert "<img" not in html
    assert html.count('"') == 2
    assert html.count("'") == 2
