"""New plugins: their names, and that the folder is written as a whole or not at all."""

from pathlib import Path

import pytest
from muster_sdk import AddressKind

from domain.kit.errors import DomainError, ErrorCode
from plugins.template.render import name_plugin, write_plugin


def test_names_follow_from_one() -> None:
    plugin = name_plugin("pigeon-post-2", None, AddressKind.HANDLE, [])
    assert (plugin.module, plugin.class_name, plugin.label) == ("pigeon_post_2", "PigeonPost2", "Pigeon post 2")


@pytest.mark.parametrize(
    "name", ["", "Pigeon", "pigeon_post", "pigeon--post", "-pigeon", "2pigeons", "p" * 41, "a/b", "täube"]
)
def test_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(DomainError, match="such as pigeon-post"):
        name_plugin(name, None, AddressKind.PHONE, [])


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("loft", "an installed channel"),
        ("pydantic", "an installed package"),
        ("muster-sdk", "an installed package"),
        ("json", "a module of Python"),
        ("api", "a module of"),
        ("class", "something else"),
        ("tests", "something else"),
    ],
)
def test_taken_names_are_refused(name: str, owner: str) -> None:
    with pytest.raises(DomainError, match=owner) as refused:
        name_plugin(name, None, AddressKind.PHONE, ["loft"])
    assert refused.value.code is ErrorCode.TAKEN


@pytest.mark.parametrize("label", ["", 'a "b"', "a\\b", "a\nb", "a" * 65])
def test_labels_that_would_break_the_code_are_refused(label: str) -> None:
    with pytest.raises(DomainError, match="--label"):
        name_plugin("pigeon-post", label, AddressKind.PHONE, [])


def test_what_is_written_is_python_and_has_the_names(tmp_path: Path) -> None:
    write_plugin(name_plugin("zebra-mail", "Zebra's €-$mail", AddressKind.EMAIL, []), tmp_path / "zebra-mail")
    sources = list((tmp_path / "zebra-mail").rglob("*.py"))
    assert len(sources) == 9
    for path in sources:
        compile(path.read_text(), path, "exec")
    channel = (tmp_path / "zebra-mail" / "src" / "zebra_mail" / "channel.py").read_text()
    assert 'label: str = "Zebra\'s €-$mail"' in channel
    assert "AddressKind.EMAIL" in channel


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DomainError, match="there already, and not empty"):
        write_plugin(name_plugin("pigeon-post", None, AddressKind.PHONE, []), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
