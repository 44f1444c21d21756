"""`bench` gives its document for every model and context that can run at all."""

from __future__ import annotations

import subprocess
import sys

import psutil

from qwqdesk.cli.busy import busy_processes
from tests.native.cli.conftest import Cli

QUICK = ("-t", "1", "-n", "4", "--json")


def test_bench_json(cli: Cli, model: str) -> None:
    result = cli("bench", model, "--lanes", "2", "-c", "1024", *QUICK)
    assert result.status == 0
    data = result.json
    assert set(data) >= {
        "model", "engine", "prefill_tokens_per_second", "decode_tokens_per_second",
        "native_share", "sampling_ms_per_token",
    }  # fmt: skip
    assert list(data["decode_tokens_per_second"]) == ["1", "2"]
    assert all(rate > 0 for rate in data["decode_tokens_per_second"].values())
    assert 0 < data["native_share"] <= 1


def test_a_small_context_gets_a_smaller_prompt(cli: Cli, model: str) -> None:
    result = cli("bench", model, "--lanes", "1", "-c", "256", *QUICK)
    assert result.status == 0
    assert result.json["prefill_tokens_per_second"] > 0


def test_what_cannot_be_measured_is_a_usage_error(cli: Cli, model: str) -> None:
    for words in (
        *(("-n", "0"), ("-n", "-1"), ("--lanes", "5"), ("--lanes", "many")),
        *(("--busy", "0"), ("--busy", "-1"), ("--busy", "many"), ("--busy", "9999")),
    ):
        result = cli("bench", model, *words, "--json")
        assert result.status == 2
        assert result.error["what"]


def computing() -> set[int]:
    """Children of this process that compute for a bench."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if "qwqdesk.cli.busy" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def test_bench_beside_busy_processes(cli: Cli, model: str) -> None:
    for mode in ("exact", "fast"):
        words = ("--lanes", "1", "-c", "256", "--busy", "2", "--mode", mode)
        result = cli("bench", model, *words, *QUICK)
        assert result.status == 0
        busy = result.json["busy"]
        assert list(busy) == ["processes", "decode_tokens_per_second", "share_of_quiet"]
        assert busy["processes"] == 2
        assert busy["decode_tokens_per_second"] > 0
        assert busy["share_of_quiet"] > 0
        assert not computing()


def test_without_it_nothing_is_said_of_busy_processes(cli: Cli, model: str) -> None:
    assert "busy" not in cli("bench", model, "--lanes", "1", "-c", "256", *QUICK).json


def test_busy_processes_compute_with_the_priority_of_the_program_and_end_with_the_block() -> None:
    with busy_processes(2) as ids:
        processes = [psutil.Process(pid) for pid in ids]
        assert [process.nice() for process in processes] == [psutil.Process().nice()] * 2
        before = [sum(process.cpu_times()[:2]) for process in processes]
        while any(sum(p.cpu_times()[:2]) <= at for p, at in zip(processes, before, strict=True)):
            assert all(process.is_running() for process in processes)
    assert not any(psutil.pid_exists(pid) for pid in ids)


def test_busy_processes_end_when_the_program_is_killed() -> None:
    program = (
        "from qwqdesk.cli.busy import busy_processes\n"
        "with busy_processes(2) as ids:\n"
        "    print(*ids, flush=True)\n"
        "    input()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        processes = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(processes) == 2
        parent.kill()
        parent.wait()
        _, alive = psutil.wait_procs(processes, timeout=20)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
