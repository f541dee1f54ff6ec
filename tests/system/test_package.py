"""The Debian package: installed, used and removed again, on an overlay of this very system that goes with the test's mount namespace."""

import ctypes
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import BLACKSTART, sh

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(BLACKSTART).resolve().parents[1]

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not (BUILD / "CMakeCache.txt").exists(), reason="needs root and a build tree")


@pytest.fixture(scope="module")
def package():
    if not shutil.which("pandoc"):
        pytest.skip("pandoc is missing: scripts/setup package")
    done = sh(REPOSITORY / "scripts/package", env={**os.environ, "BLACKSTART_BUILD": str(BUILD)}, timeout=300)
    return REPOSITORY / done.stdout.splitlines()[-1]


def overlay():
    """This system, writable, for the calling process (a child that is about to exec) and its children alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) != 0 or libc.mount(b"none", b"/", None, 0x4000 | 1 << 18, None) != 0:
        os._exit(99)
    if libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None) != 0:
        os._exit(98)
    for name in ("usr", "var", "etc"):
        for part in ("upper", "work"):
            os.makedirs(f"/mnt/{name}/{part}")
        options = f"lowerdir=/{name},upperdir=/mnt/{name}/upper,workdir=/mnt/{name}/work".encode()
        if libc.mount(b"overlay", f"/{name}".encode(), b"overlay", 0, options) != 0:
            os._exit(97)


def inside(script, **env):
    """What a shell script says on the overlay."""
    done = subprocess.run(["bash", "-euc", script], text=True, capture_output=True, timeout=120, preexec_fn=overlay,
                          env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **env})
    if done.returncode in (97, 98, 99):
        pytest.skip("no overlay here")
    return done


def test_it_installs_runs_and_leaves_nothing_behind(package, tmp_path):
    """Files of ours that are there in the end, after dpkg --purge: none. And the drill it brings is found where it lies."""
    script = f"""
        before=$(find /usr /etc /var/lib -xdev 2>/dev/null | grep -c blackstart || true)
        rm -rf /var/lib/blackstart
        dpkg -i {package} >/dev/null
        cd /tmp
        blackstart --version
        blackstart drills | head -1
        blackstart check /usr/share/blackstart/drills/*/*.toml | wc -l
        blackstart runs
        mkdir -p /var/lib/blackstart/runs
        dpkg --purge blackstart >/dev/null 2>&1
        after=$(find /usr /etc /var/lib -xdev 2>/dev/null | grep -v '/var/lib/dpkg' | grep blackstart || true)
        echo "before $before; after: $after"
    """
    done = inside(script)
    assert done.returncode == 0, done.stdout + done.stderr
    version, drill, checked, runs, left = done.stdout.splitlines()
    assert version == sh(BLACKSTART, "--version").stdout.strip()
    assert drill.split()[0] == sh(BLACKSTART, "drills").stdout.split()[0]
    assert int(checked) >= 4 and "no run is kept" in runs
    assert left.endswith("after: "), left


def test_lintian_finds_no_error_and_no_warning(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is missing: scripts/setup test")
    done = sh("lintian", "--allow-root", "--fail-on", "error,warning", package, check=False, timeout=300)
    assert done.returncode == 0 and done.stdout == "", done.stdout


def test_manual_pages_are_right_and_name_every_command(package, tmp_path):
    sh("dpkg-deb", "-x", package, tmp_path)
    pages = sorted(path.name for path in (tmp_path / "usr/share/man").rglob("*.gz"))
    assert pages == ["blackstart-drills.7.gz", "blackstart.1.gz", "blackstart.toml.5.gz"]
    for page in (tmp_path / "usr/share/man").rglob("*.gz"):
        source = tmp_path / page.stem
        source.write_bytes(gzip.decompress(page.read_bytes()))
        checked = sh("man", "--warnings", "-l", source, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
        assert checked.stderr == "", checked.stderr
    text = (tmp_path / "blackstart.1").read_text().replace("\\-", "-")
    commands = [line.split()[0] for line in sh(BLACKSTART, "--help").stdout.split("OPTIONS]")[1].splitlines() if line.startswith("  ") and line[2] not in " -"]
    assert len(commands) > 8
    for command in commands:
        assert f".SS blackstart {command}" in text


def test_units_are_right(package, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing")
    sh("dpkg-deb", "-x", package, tmp_path)
    units = tmp_path / "usr/lib/systemd/system"
    for unit in ("blackstart-drill@x.service", "blackstart-drill@x.timer"):
        stem, kind = unit.split("@x")
        (tmp_path / unit).write_text((units / f"{stem}@{kind}").read_text().replace("/usr/bin/blackstart", str(BLACKSTART)))
    done = sh("systemd-analyze", "verify", "--man=no", tmp_path / "blackstart-drill@x.service", tmp_path / "blackstart-drill@x.timer", check=False)
    said = [line for line in done.stderr.splitlines() if "blackstart" in line]
    assert said == [], done.stderr


BASH = """
source experiments/cli/completion/blackstart.bash
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_blackstart
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize("words, wanted, unwanted", [
    ("blackstart in", ["inject"], ["run"]),
    ("blackstart inject l", ["latency", "loss"], ["dns"]),
    ("blackstart inject dns --", ["--name", "--answer", "--netns", "--start-at"], ["--share"]),
    ("blackstart inject latency --interface ''", ["lo"], []),
    ("blackstart inject latency --netns ''", ["some-netns"], []),
    ("blackstart inject health --result ''", ["timeout", "not-serving"], ["nxdomain"]),
    ("blackstart inject dns --answer s", ["servfail", "stale"], ["empty"]),
    ("blackstart run all-", ["all-checks-lie"], []),
    ("blackstart runs ''", ["show", "prune"], ["run"]),
    ("blackstart judge la", ["last"], []),
    ("blackstart check experiments/dr", ["experiments/drills"], []),
])
def test_bash_completes_what_the_program_knows(lab, words, wanted, unwanted):
    sh("ip", "netns", "add", "some-netns", check=False)
    path = f"{Path(BLACKSTART).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", BASH.format(words=words)], text=True, capture_output=True, timeout=30, cwd=REPOSITORY,
                          env={**os.environ, "PATH": path})
    found = done.stdout.splitlines()
    for word in wanted:
        assert word in found, done
    for word in unwanted:
        assert word not in found, done


def test_fish_and_zsh_complete_as_well(isolated):
    path = f"{Path(BLACKSTART).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    if shutil.which("fish"):
        fish = "source experiments/cli/completion/blackstart.fish; complete -C 'blackstart inject l'"
        done = subprocess.run(["fish", "-N", "-c", fish], text=True, capture_output=True, timeout=30, cwd=REPOSITORY, env=env)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["latency", "loss"], done
    if shutil.which("zsh"):
        zsh = ("_describe() { print -l ${(P)3}; }; _files() { print files; }; words=(blackstart run all-); CURRENT=3; "
               "f() { source experiments/cli/completion/_blackstart; }; f")
        done = subprocess.run(["zsh", "-f", "-c", zsh], text=True, capture_output=True, timeout=30, cwd=REPOSITORY, env=env)
        assert done.stdout.splitlines()[0] == "all-checks-lie:drill" and "files" in done.stdout, done


def test_version_names_the_commit_of_an_archive_as_well(tmp_path):
    """What CMake would print from a tarball: git archive fills the commit in."""
    archive = subprocess.run(["git", "archive", "HEAD", "cmake/commit.txt"], cwd=REPOSITORY, capture_output=True, timeout=30)
    if archive.returncode != 0:
        pytest.skip("no repository here")
    subprocess.run(["tar", "x"], input=archive.stdout, cwd=tmp_path, check=True, timeout=30)
    commit = (tmp_path / "cmake/commit.txt").read_text().strip()
    assert sh("git", "rev-parse", "HEAD", cwd=REPOSITORY).stdout.startswith(commit) and len(commit) >= 7
