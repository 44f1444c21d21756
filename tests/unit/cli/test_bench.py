"""`bench` gives its document for every model and context that can run at all."""

from __future__ import annotations

from tests.unit.cli.conftest import Cli

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
    for words in (("-n", "0"), ("-n", "-1"), ("--lanes", "5"), ("--lanes", "many")):
        result = cli("bench", model, *words, "--json")
        assert result.status == 2
        assert result.error["what"]
