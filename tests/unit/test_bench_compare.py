"""`python -m bench.compare`: an older commit's bench beside ours, the judgement, and the cleaning up."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.checkout import ROOT, checkout, dependency_differences
from bench.compare import check_imports, measure, render, summary, too_dear

needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git repository")


def _load(land: float, match: float, **more: object) -> dict[str, object]:
    stages = {"land": land, "match": match}
    return {
        "stages": {
            name: {"wall": 2.0, "client": us / 2e6, "database": us / 2e6} | more
            for name, us in stages.items()
        }
    }


def test_medians_of_the_rounds_are_compared() -> None:
    before = summary([_load(100, 200), _load(90, 900), _load(500, 210)], 1)
    after = summary([_load(109, 232), _load(1, 1), _load(900, 900)], 1)
    assert before["land"]["cpu_us"] == pytest.approx(100)
    assert after["match"]["cpu_us"] == pytest.approx(232)
    assert "| land | 100 | 109 | 1.09 |" in render(before, after)
    assert "| match | 210 | 232 | 1.10 |" in render(before, after)


@pytest.mark.parametrize(
    ("land", "match", "failing"), [(109, 219, []), (111, 200, ["land"]), (50, 221, ["match"])]
)
def test_a_stage_that_costs_a_tenth_more_fails(
    land: float, match: float, failing: list[str]
) -> None:
    before, after = summary([_load(100, 200)], 1), summary([_load(land, match)], 1)
    assert [line.split()[0] for line in too_dear(before, after, 1.1)] == failing


def test_a_bench_that_does_not_count_writes_has_no_figures_for_them() -> None:
    table = {"inserted": 2, "updated": 1, "hot": 1, "deleted": 0, "indexes": 3, "gin": 1}
    before = summary([_load(100, 200)], 1)
    after = summary([_load(100, 200, wal=1500, tables={"ops.t": table})], 1)
    shown = render(before, after)
    assert (
        "| land | – → 1.5 | – → 2.00 | – → 1.00 | – → 1.00 | – → 0.00 | – → 6.00 | – → 2.00 |"
        in shown
    )


def test_stages_of_one_tree_alone_are_shown_and_not_judged() -> None:
    before, after = summary([_load(100, 200)], 1), summary([_load(100, 200)], 1)
    after["fold"] = after.pop("match")
    shown = render(before, after)
    assert "| match | 200 | – | – |" in shown
    assert "| fold | – | 200 | – |" in shown
    assert too_dear(before, after, 1.1) == []


def test_re_reads_are_compared_where_both_measure_them() -> None:
    stage = {"wall": 1.0, "client": 5e-6, "database": 5e-6}
    old, new = summary([_load(100, 200)], 1), summary([_load(100, 200) | {"reread": stage}], 1)
    assert "| re-read | – | 10 | – |" in render(old, new)
    assert "| re-read | 10 | 10 | 1.00 |" in render(new, new)
    assert new["land to route"]["cpu_us"] == pytest.approx(300)


def _tree(folder: Path, bench: str) -> Path:
    for name, words in (("hub/__init__", ""), ("bench/__init__", ""), ("bench/sync", bench)):
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(words)
    return folder


def test_the_tree_s_own_bench_is_run_and_its_lines_are_read(tmp_path: Path) -> None:
    lines = [
        "a warning",
        json.dumps({"loader": "hub", "asked": 200, "stages": {}}),
        json.dumps({"loader": "hand", "asked": 500, "stages": {}}),
        json.dumps({"loader": "hub", "asked": 500, "stages": {"land": 1}}),
    ]
    tree = _tree(tmp_path, f"import sys\nprint({chr(10).join(lines)!r}, file=sys.stderr)\n")
    check_imports(tree)
    assert measure(tree, 500)["stages"] == {"land": 1}


def test_a_bench_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "raise SystemExit('a ledger does not hold')\n")
    with pytest.raises(SystemExit, match="a ledger does not hold"):
        measure(tree, 500)


def test_a_commit_without_this_bench_is_refused(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "")
    (tree / "bench/sync.py").unlink()
    with pytest.raises(SystemExit, match="no bench that runs on the installed packages"):
        check_imports(tree)


def test_another_tree_s_modules_are_refused(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "")
    (tree / "hub/__init__.py").unlink()
    (tree / "hub").rmdir()
    with pytest.raises(SystemExit, match="not its own"):
        check_imports(tree)


def test_ctrl_c_lets_the_bench_clean_up_before_it_goes_on(tmp_path: Path) -> None:
    tree = _tree(
        tmp_path,
        "import pathlib, time\n"
        "try:\n    pathlib.Path('begun').touch()\n    time.sleep(100)\n"
        "finally:\n    time.sleep(0.5)\n    pathlib.Path('cleaned').touch()\n",
    )
    code = (
        "import signal, sys\nfrom pathlib import Path\nfrom bench import compare\n"
        "signal.signal(signal.SIGINT, compare._interrupt)\n"
        f"compare.measure(Path({str(tree)!r}), 500)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not (tree / "begun").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert (tree / "cleaned").exists()


@needs_git
def test_the_worktree_is_gone_whatever_happens() -> None:
    seen: list[Path] = []

    def interrupted() -> None:
        with checkout("HEAD") as tree:
            seen.append(tree)
            assert (tree / "bench/sync.py").exists()
            assert str(tree) in _worktrees()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not seen[0].exists()
    assert str(seen[0]) not in _worktrees()


@needs_git
def test_an_unknown_commit_is_named() -> None:
    with pytest.raises(SystemExit, match="no-such-commit"), checkout("no-such-commit"):
        pass


def _worktrees() -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), "worktree", "list"], capture_output=True, text=True, check=True
    ).stdout


def test_dependencies_that_differ_are_named(tmp_path: Path) -> None:
    for side, version in (("before", 1), ("after", 2)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "pyproject.toml").write_text(
            f'[project]\ndependencies = ["same", "one>={version}"]\n'
        )
        (tmp_path / side / "requirements.lock").write_text(f"same==1\none=={version}.5\n")
    assert dependency_differences(tmp_path / "before", tmp_path / "after") == [
        "pyproject.toml: one>=1 only before",
        "pyproject.toml: one>=2 only after",
        "requirements.lock: one==1.5 only before",
        "requirements.lock: one==2.5 only after",
    ]
