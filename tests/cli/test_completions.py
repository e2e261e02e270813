# SPDX-License-Identifier: MIT
"""What Tab offers, in each shell that is installed: what --help lists."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, SKCPTUN, skcptun

COMPLETIONS = ROOT / "packaging/completions"


def listed(*command):
    """The commands, or the options of one, that --help lists."""
    text = skcptun(*command, "--help").stdout
    if not command:
        return set(re.findall(r"^  ([a-z]+)  +[a-z]", text, re.M))
    return {option for line in re.findall(r"^  (--[a-z-]+(?:, --[a-z-]+)*)", text, re.M) for option in line.split(", ")}


def run(shell, script, folder):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    env = {**os.environ, "PATH": f"{pathlib.Path(SKCPTUN).parent}:{os.environ['PATH']}", "HOME": str(folder),
           "XDG_CONFIG_HOME": str(folder), "TERM": "dumb"}
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=False, timeout=120, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def bash(words, folder):
    """What is offered for the last word."""
    return run("bash", f"""source {COMPLETIONS}/skcptun.bash
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
        _skcptun; printf '%s\\n' "${{COMPREPLY[@]}}" """, folder)


def fish(words, folder):
    line = " ".join(words)
    return [offer.split("\t")[0] for offer in run("fish", f"source {COMPLETIONS}/skcptun.fish; complete -C '{line}'", folder)]


SHELLS = [bash, fish]


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_configurations(box, shell):
    box.write("mine.lua", "")
    box.write("other.txt", "")
    offered = set(shell(["skcptun", ""], box.path))
    assert len(listed()) >= 8 and listed() <= offered and "mine.lua" in offered
    assert "keygen" in shell(["skcptun", "key"], box.path) and "keygen" not in shell(["skcptun", "s"], box.path)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["check", "client", "demo", "import", "keygen", "server", "status", "uri"])
def test_options_of_each_command(box, shell, command):
    offered = {word for word in shell(["skcptun", command, "--"], box.path) if word}
    assert offered == listed(command)


@pytest.mark.parametrize("shell", SHELLS)
def test_files_where_files_belong(box, shell):
    box.write("secret", "")
    assert "secret" in shell(["skcptun", "client", "--key-file", "sec"], box.path)
    assert "secret" in shell(["skcptun", "uri", "sec"], box.path)


def test_zsh_knows_them(box):
    """Zsh completes in its line editor only: the parts that read --help are run by themselves."""
    text = (COMPLETIONS / "_skcptun").read_text()
    body = text[text.index("_skcptun() {"):text.rindex("_skcptun")]
    script = f"""_describe() {{ print -l -- ${{(P)2}} }}; _files() {{ }}
        {body}
        words=(skcptun ''); CURRENT=2; _skcptun
        print -- ---; words=(skcptun import --); CURRENT=3; PREFIX=--; _skcptun"""
    commands, options = "\n".join(run("zsh", script, box.path)).split("---\n", 1)
    assert {line.split(":")[0] for line in commands.splitlines()} == listed()
    assert {line.split(":")[0] for line in options.splitlines()} == listed("import")
