"""What is taken from the user's cache: nothing that another user could have written, and nothing that was damaged."""

import os
import shutil
import time

import pytest
from helpers.users import IS_ROOT

from symmetry_constrained.kernels import cache

NOBODY = 65534
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home"


def test_the_folder_is_made_for_its_owner_alone_whatever_the_mask(home):
    before = os.umask(0o002)
    try:
        found = cache.folder()
    finally:
        os.umask(before)
    assert found == (home / ".cache/symmetry-constrained").resolve()
    assert [part.stat().st_mode & 0o777 for part in (found, found.parent)] == [0o700] * 2


def test_the_cache_may_be_elsewhere_but_not_relative(home, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    assert cache.folder() == (tmp_path / "here/symmetry-constrained").resolve()
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache.folder() == (home / ".cache/symmetry-constrained").resolve()


@pytest.mark.parametrize("part", [".cache/symmetry-constrained", ".cache", "."])
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_that_others_may_write_to_is_refused(home, part, mode):
    cache.folder()
    (home / part).chmod(mode)
    with pytest.raises(PermissionError, match=r"^other users may write to .*/home"):
        cache.folder()


@as_root
@pytest.mark.parametrize("part", [".cache/symmetry-constrained", ".cache", "."])
def test_a_folder_of_another_user_is_refused(home, part):
    cache.folder()
    os.chown(home / part, NOBODY, NOBODY)
    with pytest.raises(PermissionError, match=r"^other users may write to .*/home"):
        cache.folder()


def test_one_of_the_user_in_a_folder_for_all_is_good(home, monkeypatch):
    home.chmod(0o1777)  # as /tmp
    cache.folder()


def test_a_link_is_judged_by_where_it_leads(home, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (home / ".cache").symlink_to(tmp_path / "open")
    with pytest.raises(PermissionError, match=r"/open$"):
        cache.folder()


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "library.so"
    cache.keep(b"content" * 100, path)
    assert cache.sealed(path)
    return path


def seal(path):
    return path.with_name(f"{path.name}.sha256")


DAMAGES = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "other bytes": lambda path: path.write_bytes(b"Content" * 100),
    "no file": lambda path: path.unlink(),
    "no hash": lambda path: seal(path).unlink(),
    "an empty hash": lambda path: seal(path).write_bytes(b""),
    "a link": lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "open to its group": lambda path: path.chmod(0o660),
    "open to all": lambda path: path.chmod(0o606),
    "a hash open to all": lambda path: seal(path).chmod(0o606),
}
if IS_ROOT:
    DAMAGES |= {
        "of another user": lambda path: os.chown(path, NOBODY, NOBODY),
        "a hash of another user": lambda path: os.chown(seal(path), NOBODY, NOBODY),
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_kept_is_not_taken(kept, damage):
    DAMAGES[damage](kept)
    assert not cache.sealed(kept)
    if damage != "a folder":
        cache.keep(b"anew", kept)
        assert cache.sealed(kept) and kept.read_bytes() == b"anew"


def test_a_good_file_under_another_name_is_not_taken(kept):
    """As of another processor."""
    other = kept.with_name("other.so")
    shutil.copy(kept, other)
    shutil.copy(seal(kept), seal(other))
    assert not cache.sealed(other)


def test_only_one_builds_at_a_time_and_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0.2)
    with cache.alone(tmp_path):
        before = time.monotonic()
        with cache.alone(tmp_path):
            assert time.monotonic() - before > 0.2
