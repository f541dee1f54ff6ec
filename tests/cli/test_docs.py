"""What the documentation says a user can type and write is what blackstart takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from lab import BLACKSTART

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")), *sorted((REPOSITORY / "experiments/drills").glob("*/README.md"))]


def run(*argv, cwd=None):
    return subprocess.run([BLACKSTART, *argv], cwd=cwd, capture_output=True, text=True, timeout=30)


def commands(page):
    """Every command line of blackstart in a page's blocks and quotes."""
    text = page.read_text()
    blocks = re.findall(r"^    (.*)$", text, re.M) + [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    lines = [found[1] for line in blocks if (found := re.match(r"(?:.* \|\| )?(blackstart [a-z].*?)(?: +#.*)?$", line))]
    lines += re.findall(r"`(blackstart [a-z][^`]*)`", text)
    for line in lines:
        yield shlex.split(re.split(r" [|;]| &&| code=", line)[0])[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_of_the_documentation_exists_with_its_options(page):
    for words in commands(page):
        level = words[:2] if words[0] in ("inject",) or words[:2] == ["drills", "new"] else words[:1]
        level = [word for word in level if word.islower()]
        told = run(*level, "--help")
        assert f"Usage: blackstart {' '.join(level)} " in told.stdout, (words, told)
        for option in (word.split("=")[0] for word in words if word.startswith("--") and len(word) > 2):
            assert re.search(rf"{option}\b", told.stdout), (words, option)


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_every_experiment_in_the_documentation_is_right(page, tmp_path):
    blocks = [block for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S) if "[experiment]" in block]
    assert blocks
    for block in blocks:
        (tmp_path / "it.toml").write_text(block)
        done = run("check", str(tmp_path / "it.toml"))
        assert done.returncode == 0 and not done.stderr, done.stderr


def test_drills_new_writes_a_file_that_check_has_nothing_against_and_overwrites_none(tmp_path):
    done = run("drills", "new", "game-day", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "game-day.toml\n", done
    written = (tmp_path / "game-day.toml").read_text()
    assert 'name     = "game-day"' in written and written.count("#") > 15
    checked = run("check", "game-day.toml", cwd=tmp_path)
    assert checked.returncode == 0 and not checked.stderr, checked
    (tmp_path / "game-day.toml").write_text("mine")
    again = run("drills", "new", "game-day", cwd=tmp_path)
    assert again.returncode == 2 and "game-day.toml is already there" in again.stderr
    assert (tmp_path / "game-day.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["Bad", "../up", "a b", "-x.toml", ""])
def test_drills_new_refuses_a_name_that_cannot_be(name, tmp_path):
    done = run("drills", "new", name, cwd=tmp_path)
    assert done.returncode == 2 and not list(tmp_path.iterdir()), done


def test_the_manual_page_of_the_file_is_one_for_pandoc():
    done = run("manual")
    assert done.returncode == 0
    assert done.stdout.startswith("% BLACKSTART.TOML(5)") and "# [[fault]]\n" in done.stdout
