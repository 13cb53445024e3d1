"""Licenses of repositories: texts, fields, headers, folders, and what a policy allows."""

import importlib.util
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from identify.vendor.licenses import LICENSES

from turnsmith.core.errors import UsageError
from turnsmith.sources.code.licenses import UNKNOWN, Licenses, Verdict, licenses_at, licenses_of
from turnsmith.sources.code.licenses.expressions import allowed, normalized
from turnsmith.sources.code.licenses.policy import OTHER_LICENSE, PERMISSIVE, UNKNOWN_LICENSE, Policy, policy
from turnsmith.sources.code.licenses.texts import END_OF_TERMS, is_license_file, license_of_text
from turnsmith.sources.code.repository import SYMLINK, opened

TEXTS = dict(LICENSES)
MIT = TEXTS["MIT"].replace("[year] [fullname]", "2020 Someone")
REGULAR = "100644"


def found(files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Licenses:
    """Return the licenses of a repository that holds these files and symbolic links."""
    modes = dict.fromkeys(files, REGULAR) | dict.fromkeys(links or {}, SYMLINK)
    contents = {**files, **(links or {})}
    return licenses_of(modes, lambda path: contents[path].encode())


@pytest.mark.parametrize("identifier", sorted(TEXTS))
def test_published_texts_are_told(identifier: str) -> None:
    """Each published text is recognized for certain, with another owner's copyright line, too."""
    text = TEXTS[identifier].replace("[year]", "2024").replace("[fullname]", "Acme")
    verdict = license_of_text(text.encode(), "LICENSE")
    assert verdict.expression == identifier
    assert verdict.confidence > 0.95


def test_appendix_may_be_missing() -> None:
    """Apache-2.0 without what tells how to apply it is Apache-2.0."""
    text = TEXTS["Apache-2.0"].partition(END_OF_TERMS)[0]
    assert license_of_text(text.encode(), "LICENSE.txt").expression == "Apache-2.0"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(
            "THE SOFTWARE IS", "The Software shall be used for Good, not Evil.\n\nTHE SOFTWARE IS"
        ),
        lambda text: (
            text + "\nThe right to sell the Software is not granted by this license to anybody at all.\n"
        ),
        lambda text: text[: len(text) // 2],
        lambda _: "All rights reserved.",
        lambda _: "",
    ],
    ids=["one sentence more", "a restriction at the end", "half of it", "no license", "empty"],
)
def test_other_texts_are_unknown(change: Callable[[str], str]) -> None:
    """A text that is no published license, or one with a further condition, is unknown."""
    verdict = license_of_text(change(MIT).encode(), "LICENSE")
    if importlib.util.find_spec("licensedcode") is None:
        assert verdict == Verdict(file="LICENSE")
    else:
        assert verdict.expression != "MIT"


@pytest.mark.slow
def test_scancode_knows_the_rest() -> None:
    """With the extra `scancode`, two licenses in one file are told, and both must be allowed."""
    pytest.importorskip("licensedcode", reason="the extra scancode is not installed")
    verdict = license_of_text(f"{MIT}\n\n{TEXTS['GPL-3.0']}".encode(), "LICENSE")
    assert "MIT" in verdict.expression
    assert "GPL-3.0" in verdict.expression
    assert Policy().why_denied(verdict) == OTHER_LICENSE


def test_names_of_license_files() -> None:
    """Usual names count, source files that are named after licenses do not."""
    for name in (
        "LICENSE",
        "license.md",
        "LICENCE.txt",
        "COPYING",
        "COPYING.LESSER",
        "LICENSE-MIT",
        "UNLICENSE",
        "MIT-LICENSE.txt",
    ):
        assert is_license_file(name), name
    for name in (
        "license.go",
        "license_test.py",
        "licenses.json",
        "LICENSES.md",
        "copying-files.js",
        "relicense",
    ):
        assert not is_license_file(name), name


def test_links_are_followed_within_the_repository() -> None:
    """A license file that is a symbolic link stands for its target; one that leads out or in a circle for none."""
    assert found({"legal/text": MIT}, {"LICENSE": "legal/text"}).verdict.expression == "MIT"
    assert found({"LICENSE": MIT}, {"pkg/LICENSE": "../LICENSE"}).of("pkg/a.py").expression == "MIT"
    for target in ("../../etc/passwd", "/etc/passwd", "LICENSE", "nowhere"):
        assert not found({"a.py": ""}, {"LICENSE": target}).verdict.is_known


def test_unreadable_license_file_is_unknown() -> None:
    """A license file that can't be read, or a link that leads nowhere, may ask for more than a manifest says."""
    modes = {"LICENSE": REGULAR, "package.json": REGULAR}
    licenses = licenses_of(modes, {"package.json": b'{"license": "MIT"}'}.get)
    assert not licenses.verdict.is_known
    assert licenses.verdict.told() == "LICENSE can't be read"
    assert not found({"package.json": '{"license": "MIT"}'}, {"LICENSE": "nowhere"}).verdict.is_known


def test_vendored_licenses_are_not_read() -> None:
    """Code in vendored folders is never used, so no time goes into the thousands of licenses there."""
    files = {"LICENSE": MIT, "node_modules/x/LICENSE": TEXTS["GPL-3.0"], "lib/LICENSE": TEXTS["Apache-2.0"]}
    assert set(found(files).folders) == {"lib"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"LICENSE": MIT}, "MIT by LICENSE"),
        ({"LICENSE": "Ask us.", "package.json": '{"license": "MIT"}'}, "the text of LICENSE is no published license"),
        ({"package.json": '{"license": "ours"}'}, "no license file and no SPDX expression in a manifest"),
    ],
)  # fmt: skip
def test_verdicts_say_why(files: dict[str, str], told: str) -> None:
    """A person is told which file says so, or why nothing is known."""
    assert found(files).verdict.told().startswith(told)


def test_nested_license_holds_for_its_folder() -> None:
    """A folder with a license of its own has that one, with all below it; the rest has the root's."""
    licenses = found({"LICENSE": MIT, "lib/gpl/COPYING": TEXTS["GPL-3.0"], "lib/b.py": ""})
    assert licenses.of("lib/gpl/deep/a.py").expression == "GPL-3.0"
    assert licenses.of("lib/gpl/deep/a.py").file == "lib/gpl/COPYING"
    assert licenses.of("lib/b.py").expression == licenses.of("a.py").expression == "MIT"


@pytest.mark.parametrize(
    ("file", "content", "expression"),
    [
        ("package.json", '{"license": "MIT"}', "MIT"),
        ("package.json", '{"license": {"type": "ISC", "url": "x"}}', "ISC"),
        ("package.json", '{"licenses": [{"type": "MIT"}, {"type": "Apache-2.0"}]}', "MIT OR Apache-2.0"),
        ("package.json", '{"license": "SEE LICENSE IN EULA"}', UNKNOWN),
        ("package.json", "{broken", UNKNOWN),
        ("package.json", "[]", UNKNOWN),
        ("pyproject.toml", '[project]\nlicense = "BSD-3-Clause"', "BSD-3-Clause"),
        ("pyproject.toml", '[project]\nlicense = {text = "mit"}', "MIT"),
        ("pyproject.toml", '[project]\nlicense = {file = "LICENSE"}', UNKNOWN),
        ("pyproject.toml", '[tool.poetry]\nlicense = "Apache-2.0"', "Apache-2.0"),
        ("Cargo.toml", '[package]\nlicense = "MIT/Apache-2.0"', "MIT OR Apache-2.0"),
    ],
)
def test_fields_of_manifests(file: str, content: str, expression: str) -> None:
    """What a manifest declares counts where it is an SPDX expression."""
    verdict = found({file: content}).verdict
    assert verdict.expression == expression
    assert verdict.file == (file if expression != UNKNOWN else "")


def test_choice_explains_files_beside_it() -> None:
    """`MIT OR Apache-2.0` in a manifest makes the two license files beside it a choice; without it both hold."""
    files = {"LICENSE-MIT": MIT, "LICENSE-COPYING": TEXTS["GPL-3.0"]}
    assert found(files).verdict.expression == "GPL-3.0 AND MIT"
    choice = found({**files, "Cargo.toml": '[package]\nlicense = "MIT OR GPL-3.0-only"'}).verdict
    assert Policy().why_denied(choice) is None
    both = {
        "LICENSE-MIT": MIT,
        "LICENSE-APACHE": TEXTS["Apache-2.0"],
        "Cargo.toml": '[package]\nlicense = "MIT OR Apache-2.0"',
    }
    assert found(both).verdict.expression == "MIT OR Apache-2.0"


def test_manifest_does_not_outweigh_the_text() -> None:
    """A manifest that says MIT beside a GPL text gives both; an unknown text makes all unknown."""
    assert (
        found({"package.json": '{"license": "MIT"}', "LICENSE": TEXTS["GPL-3.0"]}).verdict.expression
        == "GPL-3.0 AND MIT"
    )
    assert not found({"package.json": '{"license": "MIT"}', "LICENSE": "Ask us."}).verdict.is_known


def test_header_of_a_file_goes_first() -> None:
    """An SPDX header holds for its file, whatever comment it stands in; one that is no expression is unknown."""
    licenses = found({"LICENSE": MIT})
    assert (
        licenses.of("a.c", b"/* SPDX-License-Identifier: GPL-2.0-only */\nint x;").expression
        == "GPL-2.0-only"
    )
    assert (
        licenses.of("a.py", b"#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0 OR MIT\n").expression
        == "Apache-2.0 OR MIT"
    )
    assert not licenses.of("a.py", b"# SPDX-License-Identifier: ours\n").is_known
    assert licenses.of("a.py", b"\n" * 40 + b"# SPDX-License-Identifier: GPL-2.0-only").expression == "MIT"


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        ("MIT", True), ("GPL-3.0-only", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True), ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT OR GPL-3.0-only) AND Apache-2.0", True), ("(GPL-2.0-only OR LGPL-2.1-only) AND MIT", False),
    ],
)  # fmt: skip
def test_expressions_against_the_permissive_set(expression: str, is_allowed: bool) -> None:
    """OR is a choice, AND binds to both, WITH leaves the license to decide."""
    assert allowed(expression, Policy().allow) is is_allowed
    assert normalized(expression) == expression


def test_policy_of_options() -> None:
    """`--allow` names the set, `permissive` is the usual one; `--unknown warn` lets unknown ones through."""
    assert policy(["GPL-3.0-only"]).why_denied(Verdict("MIT", "L", 1.0, "text")) == OTHER_LICENSE
    assert (
        policy(["permissive", "GPL-3.0-only"]).why_denied(Verdict("MIT AND GPL-3.0-only", "L", 1.0, "text"))
        is None
    )
    assert policy().why_denied(Verdict()) == UNKNOWN_LICENSE
    assert policy(unknown="warn").why_denied(Verdict()) is None
    for allow, unknown in ((["anything"], "deny"), (["MIT OR ISC"], "deny"), ([], "perhaps")):
        with pytest.raises(UsageError):
            policy(allow, unknown)


def test_links_of_a_commit_are_followed(tmp_path: Path) -> None:
    """In a repository, too, a license behind two links is found, whatever its name."""
    (tmp_path / "legal").mkdir()
    (tmp_path / "legal" / "text").write_text(MIT, encoding="utf-8")
    (tmp_path / "middle").symlink_to("legal/text")
    (tmp_path / "LICENSE").symlink_to("middle")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    with opened(str(tmp_path)) as repository, repository.objects() as objects:
        verdict = licenses_at(repository, repository.resolve(), objects).verdict
    assert (verdict.expression, verdict.file) == ("MIT", "LICENSE")


DATA = Path(__file__).resolve().parents[5] / "shared" / "data" / "git"


@pytest.mark.skipif(not DATA.is_dir(), reason="the real repositories of ../shared/data are not here")
@pytest.mark.parametrize(
    ("bundle", "expression", "file"),
    [
        ("cobra", "Apache-2.0", "LICENSE.txt"),
        ("commander.js", "MIT", "LICENSE"),
        ("claude-code-transcripts", "Apache-2.0", "LICENSE"),
    ],
)
def test_real_repositories(bundle: str, expression: str, file: str) -> None:
    """Each real repository has the license that its origin says."""
    with opened(str(DATA / f"{bundle}.bundle")) as repository, repository.objects() as objects:
        verdict = licenses_at(repository, repository.resolve(), objects).verdict
    assert (verdict.expression, verdict.source) == (expression, "text")
    assert file in verdict.file.split(", ")


def test_page_names_the_permissive_set() -> None:
    """docs/licenses.md lists the licenses that are allowed by default."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "licenses.md").read_text(encoding="utf-8")
    listed = page.partition("<!-- permissive -->")[2].partition("<!-- /permissive -->")[0]
    assert tuple(listed.strip().rstrip(".").replace(",", " ").split()) == PERMISSIVE
