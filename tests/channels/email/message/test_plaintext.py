"""The text of an HTML message, made of its template."""

import time

import pytest

from channels.email.message import html as message_html
from channels.email.message import plaintext
from domain.templates.rendering import MinijinjaTemplates
from tests.channels.email.message.test_composer import part
from tests.channels.email.support import compose, data, recipient


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("<div>a</div><div><div>b</div></div>c", "a\nb\nc\n"),
        ("<h1>T</h1>\n\n  <p>x\n  y</p>", "T\n\nx y\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ('<a href="https://x.example/?a=1&amp;b=2">Shop</a>.', "Shop (https://x.example/?a=1&b=2).\n"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example\n"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example\n"),
        ('<a href="#top">Up</a><a name="x">here</a>', "Uphere\n"),
        ('<a href="https://x.example"><img src="a.png" alt="Sale"></a>', "Sale (https://x.example)\n"),
        ('<a href="https://x.example"><img src="a.png"></a>', "https://x.example\n"),
        ("<head><title>t</title><style>p{}</style></head><body>a<script>x</script></body>", "a\n"),
        ("<head><style>p{}</style><body>a", "a\n"),
        ("<!-- no -->a&nbsp;&lt;b&gt; &copy;", "a\u00a0<b> ©\n"),
        ("<pre>a\n  b</pre>", "a\nb\n"),
        ("", "\n"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert plaintext.of_html(html) == text
    assert MinijinjaTemplates().compile(plaintext.of_template(html)).render({}) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>{{ customer.name }}</p>", "<Ann> & co\n"),
        ("<p>{{ customer.name|e }} {{ customer.name | upper | escape }}</p>", "<Ann> & co <ANN> & CO\n"),
        ('<a href="{{ url }}?a=1&amp;b">go</a>', "go (https://x.example?a=1&b)\n"),
        ("<ul>{% for n in [1, 2] %}<li>{{ n }}</li>{% endfor %}</ul>", "- 1\n- 2\n"),
        ("{% if 1 < 2 %}<p>yes</p>{% else %}<p>no</p>{% endif %}", "yes\n"),
        ("{{ '}}<b>' }}{% if '%}' %}x{% endif %}{# <p> #}", "}}<b>x\n"),
        ("&#123;&#123; 1 }} &#123;% if %}", "{{ 1 }} {% if %}\n"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}\n"),
        ("<style>{% if 1 %}p{color:{{ url }}}</style>a{% endif %}", "a\n"),
        ("<!-- {% if 0 %} -->a<!-- {% endif %} -->b", "ab\n"),
        ("<!-- {% if 0 %} -->a{% endif %}b", "\n"),
    ],
)
def test_a_template_keeps_its_code(html: str, text: str) -> None:
    variables = {"customer": {"name": "<Ann> & co"}, "url": "https://x.example"}
    message = data(compose(recipient(variables=variables), html=html))
    assert part(message, "plain") == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "&#",
        "&#1",
        "1",
        "<p a='",
        "</",
        "{",
        "{{'",
        "{%",
        "<style>",
        "<![",
        "<a href=x>",
        "<br>",
        "<svg>",
        "</svg>",
        "<a b=",
        "<pre>",
        "{{ a|e",
        " ",
        "<body ",
        "<?",
    ],
)
def test_no_html_takes_long(piece: str) -> None:
    started = time.perf_counter()
    html = piece * (200_000 // len(piece))
    plaintext.of_template(html)
    plaintext.of_html(f"<p>&#{html}")
    message_html.with_preheader(html, html)
    assert time.perf_counter() - started < 5
