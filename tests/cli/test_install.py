# SPDX-License-Identifier: MIT
"""What `make install` lays out and `make uninstall` takes away; the links between the documents, here and there."""
import contextlib
import os
import re
import subprocess
import urllib.parse

import pytest

from conftest import BUILD, ROOT, skcptun

MANIFEST = BUILD / "install_manifest.txt"
LINK = re.compile(r"\]\(([^)\s]+)\)")


@contextlib.contextmanager
def manifest_kept():
    """That of the user's own installation, if there was one."""
    before = MANIFEST.read_bytes() if MANIFEST.exists() else None
    try:
        yield
    finally:
        MANIFEST.unlink(missing_ok=True)
        if before is not None:
            MANIFEST.write_bytes(before)


def broken_links(folder, documents):
    """(document, link) of those that lead nowhere below the folder; fragments must be a heading's."""
    for document in documents:
        for link in LINK.findall(document.read_text(encoding="utf-8")):
            parts = urllib.parse.urlparse(link)
            if parts.scheme:
                continue
            path = (document.parent / parts.path).resolve() if parts.path else document
            if not path.exists() or not path.is_relative_to(folder.resolve()):
                yield document.name, link
            elif parts.fragment and path.suffix == ".md" and parts.fragment not in anchors(path):
                yield document.name, link


def anchors(document):
    """As GitHub makes them of headings."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.M):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        n = 0
        while name + (f"-{n}" if n else "") in found:
            n += 1
        found.add(name + (f"-{n}" if n else ""))
    return found


def test_links_of_the_documents_resolve():
    documents = [*ROOT.glob("*.md"), *ROOT.glob("doc/*.md"), *ROOT.glob("tests/*.md")]
    assert len(documents) > 5
    assert list(broken_links(ROOT, documents)) == []


def examples():
    """(document, number of the block, text) of the whole configurations of built-in modes in the documents."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("doc/*.md")]:
        blocks = re.findall(r"^```lua\n(config = .*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)
        for number, block in enumerate(blocks):
            if re.search(r'mode = "(proxy|tun)_', block) and "script_file" not in block and "..." not in block:
                yield document.name, number, block


def test_configurations_in_the_documents_are_right(tmp_path):
    found = list(examples())
    assert {"README.md", "README.zh-CN.md", "from-kcptun.md", "from-kcptun.zh-CN.md"} <= {name for name, _, _ in found}
    for name, number, text in found:
        path = tmp_path / "example.lua"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        done = skcptun("check", path)
        assert done.returncode == 0, f"{name}, block {number}: {done.stdout}{done.stderr}"


@pytest.fixture(name="installed")
def install_into_a_folder(tmp_path):
    with manifest_kept():
        env = {**os.environ, "DESTDIR": str(tmp_path)}
        subprocess.run(["cmake", "--install", str(BUILD)], env=env, check=True, capture_output=True, timeout=60)
        yield tmp_path, env


def test_install_has_program_documents_and_licence(installed):
    root, _ = installed
    names = {path.name for path in root.rglob("*") if path.is_file()}
    assert {"skcptun", "skcptun-tools", "skcptun.1", "skcptun.5", "skcptun@.service", "_skcptun", "skcptun.fish", "skcptun-tun@.service", "LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "protocol.md",
            "skcptun_config_sample.lua", "echo.lua"} <= names
    assert not [name for name in names if name.startswith(("test_", "skt-", "libskt_", "kcp_echo"))]
    docs = next(root.rglob("skcptun_config_sample.lua"))
    done = skcptun("check", docs)
    assert done.returncode == 0, done.stderr
    assert list(broken_links(docs.parent, list(docs.parent.rglob("*.md")))) == []


def test_uninstall_leaves_only_what_others_use(installed):
    root, env = installed
    stranger = next(root.rglob("bin")) / "another-program"
    stranger.write_text("")
    subprocess.run(["sh", str(ROOT / "tools/uninstall.sh"), str(MANIFEST)], env=env, check=True, timeout=30)
    assert [path for path in root.rglob("*") if path.is_file()] == [stranger]
    assert not [path for path in root.rglob("skcptun*")]
    again = subprocess.run(["sh", str(ROOT / "tools/uninstall.sh"), str(MANIFEST)], env=env, check=False,
                           capture_output=True, text=True, timeout=30)
    assert again.returncode == 1 and "nothing was installed" in again.stderr
