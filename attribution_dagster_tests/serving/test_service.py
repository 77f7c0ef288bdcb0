"""The service as callers meet it: `attribution serve` in a process of its own, asked over HTTP."""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.deployment.servers import HANGING_S, free_port, server
from attribution_dagster_tests.pipeline.small import EXPLAINED, small_environment
from attribution_dagster_tests.serving.raw import as_request, raw_sessions

MAX_SESSIONS, REASONS, MAX_BODY_BYTES = 200, 2, 400_000
EVENT = {"event_at": "2025-01-20T10:00:00Z", "event_type": "search"}


@pytest.fixture(scope="module")
def url(published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, scratch = free_port(), tmp_path_factory.mktemp("serve")
    command = [sys.executable, "-m", "attribution_dagster.cli.main", "serve", "--dataset", "small", "--port", str(port)]
    limits = [
        "--max-sessions",
        str(MAX_SESSIONS),
        "--reasons",
        str(REASONS),
        "--max-body-mb",
        str(MAX_BODY_BYTES / 1e6),
    ]
    # A copy of nothing: the model is written below the home, where nobody else writes.
    environment = {**os.environ, **small_environment(published.settings.home.parent)}
    address = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return get(f"{address}/ping") == 200
        except OSError:
            return False

    log = scratch / "log"
    with server([*command, *limits], environment=environment, log=log, ready=ready, folder=scratch):
        yield address


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=HANGING_S) as answer:
        return int(answer.status)


def post(url: str, body: Any, content_type: str = "application/json") -> tuple[int, Any]:
    """Status and body of the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/invocations", data, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=HANGING_S) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_every_session_of_the_window_has_the_score_that_the_pipeline_gave_it(published: Workspace, url: str) -> None:
    raw = raw_sessions(published)
    rows = {row["session_id"]: row for row in published.slice_of("session_scores_no_funnel", EXPLAINED).to_pylist()}
    names = sorted(raw)[:MAX_SESSIONS]
    answers = []
    for start in range(0, len(names), 50):
        status, body = post(url, as_request({name: raw[name] for name in names[start : start + 50]}))
        assert status == 200
        answers += body["predictions"]
    assert [answer["session_id"] for answer in answers] == names
    for answer in answers:
        row = rows[answer["session_id"]]
        assert abs(answer["probability"] - row["probability"]) < 1e-6 and abs(answer["logit"] - row["logit"]) < 1e-6
        assert answer["model_version"] == row["model"] and answer["events_read"] == row["n_read"]
        given = [(r["event_type"], round(r["signed_attribution"], 5)) for r in answer["reasons"]]
        stored = [(row[f"reason_{n}"], row[f"reason_{n}_attribution"]) for n in range(1, REASONS + 1)]
        assert given == [(name, round(value, 5)) for name, value in stored if name is not None]
        assert answer["events_read"] + sum(answer["events_ignored"].values()) == len(raw[answer["session_id"]])


def test_an_answer_has_what_the_page_lists(url: str) -> None:
    (answer,) = post(url, one(EVENT))[1]["predictions"]
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", page.partition("| in the answer | |")[2].partition("###")[0], re.M)
    assert listed == list(answer)


def test_requests_side_by_side_get_the_answers_they_get_alone(published: Workspace, url: str) -> None:
    raw = raw_sessions(published)
    requests = [as_request({name: raw[name]}) for name in sorted(raw)[:12]]
    alone = [post(url, request) for request in requests]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda request: post(url, request), requests)) == alone


def one(*events: Any, **more: Any) -> dict[str, Any]:
    return {"inputs": [{"session_id": "a", "events": list(events), **more}]}


BAD = [
    (b"{", "body"),
    (b"\xff", "body"),
    (b"[" * 100_000, "body"),
    ([], "body"),
    ({"dataframe_records": []}, "body"),
    ({"inputs": [], "params": {}}, "body"),
    ({"inputs": "a"}, "inputs"),
    ({"inputs": []}, "inputs"),
    ({"inputs": [one(EVENT)["inputs"][0]] * (MAX_SESSIONS + 1)}, "inputs"),
    ({"inputs": [7]}, "inputs[0]"),
    ({"inputs": [{"session_id": "a"}]}, "inputs[0].events"),
    ({"inputs": [{"events": []}]}, "inputs[0].session_id"),
    (one(EVENT, label=1), "inputs[0].label"),
    (one(EVENT, {"event_type": "search"}), "inputs[0].events[1].event_at"),
    (one({**EVENT, "event_at": "yesterday"}), "inputs[0].events[0].event_at"),
    (one({**EVENT, "event_at": 1737367200}), "inputs[0].events[0].event_at"),
    (one({**EVENT, "event_at": "0001-01-01T00:00:00+14:00"}), "inputs[0].events[0].event_at"),
    (one({**EVENT, "event_at": "2100-01-01"}), "inputs[0].events[0].event_at"),
    (one({**EVENT, "event_type": " "}), "inputs[0].events[0].event_type"),
    (one({**EVENT, "event_type": None}), "inputs[0].events[0].event_type"),
    (one({**EVENT, "store_id": 7}), "inputs[0].events[0].store_id"),
    (one({**EVENT, "store_id": "\ud800"}), "inputs[0].events[0].store_id"),
    (one({**EVENT, "store_id": "s" * 1025}), "inputs[0].events[0].store_id"),
    (one({**EVENT, "is_nv": "yes"}), "inputs[0].events[0].is_nv"),
    (b'{"inputs": [{"session_id": "a", "events": [{"event_at": "2025-01-20", "event_type": "s", "price_usd": NaN}]}]}',
     "inputs[0].events[0].price_usd"),
    (one({**EVENT, "store": "s1"}), "inputs[0].events[0].store"),
    (one({**EVENT, "k" * 100_000: 1}), f"inputs[0].events[0].{'k' * 40}..."),
    (one({**EVENT, "\ud800": 1}), "inputs[0].events[0]"),
    (one({**EVENT, "event_at": "2025-01-20T10:00:00\0"}), "inputs[0].events[0].event_at"),
    (one([EVENT]), "inputs[0].events[0]"),
    ({"inputs": [*one(EVENT)["inputs"], {"session_id": "b", "events": []}, *one()["inputs"]]}, "inputs[2].session_id"),
    (one({**EVENT, "event_at": "2025-01-20T10:30:00.000001"}, EVENT), "inputs[0].events[0].event_at"),
    (one(*({**EVENT, "event_at": f"2025-01-20T{h:02}:{m:02}:00"} for h in range(13) for m in (0, 30))),
     "inputs[0].events[25].event_at"),
    (one(*[EVENT] * 1001), "inputs[0].events"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field"), BAD, ids=[f"{n}-{field}" for n, (_, field) in enumerate(BAD)])
def test_a_bad_request_gets_400_with_the_field_named_and_nothing_repeated(url: str, body: Any, field: str) -> None:
    status, answer = post(url, body)
    assert status == 400 and answer["field"] == field and answer["message"].startswith(f"{field}: ")
    assert len(answer["message"]) < 200 and "Traceback" not in answer["message"]


def test_what_is_at_the_limit_is_answered(url: str) -> None:
    gap = one(EVENT, {**EVENT, "event_at": "2025-01-20T10:30:00+00:00"})
    assert post(url, gap)[1]["predictions"][0]["events_read"] == 2
    most = {"inputs": [{"session_id": str(number), "events": []} for number in range(MAX_SESSIONS)]}
    assert len(post(url, most)[1]["predictions"]) == MAX_SESSIONS
    (longest,) = post(url, one(*({**EVENT, "event_id": str(number)} for number in range(1000))))[1]["predictions"]
    assert (longest["events_read"], longest["events_ignored"]) == (200, {"before_the_last_that_are_read": 800})
    zones = [
        {**EVENT, "event_at": at} for at in ("2025-01-20T11:00:00+01:00", "2025-01-20T10:00:00", "2025-01-20T10:00Z")
    ]
    first, *others = [post(url, one(event))[1]["predictions"] for event in zones]
    assert others == [first, first] and len(first[0]["reasons"]) == 1


def test_a_request_may_be_so_large_and_is_json(url: str) -> None:
    fits = b" " * (MAX_BODY_BYTES - 200) + json.dumps(one(EVENT)).encode()
    assert post(url, fits)[0] == 200
    status, answer = post(url, b" " * (MAX_BODY_BYTES + 1))
    assert (status, answer["field"]) == (413, "body")
    for kind in ("text/csv", "text/plain", "application/jsonx", ""):
        status, answer = post(url, one(EVENT), kind)
        assert (status, answer["field"]) == (415, "content-type"), kind
    assert post(url, one(EVENT), "Application/JSON ; charset=utf-8")[0] == 200
    with pytest.raises(urllib.error.HTTPError, match="405"):
        get(f"{url}/invocations")


def test_an_event_type_that_nobody_knows_is_read_and_counted(url: str) -> None:
    named = ["never seen", "<script>alert(1)</script>", "'; DROP TABLE sessions; --"]
    (answer,) = post(url, one(EVENT, *({**EVENT, "event_type": name} for name in named)))[1]["predictions"]
    assert (answer["events_read"], answer["events_of_unknown_type"], answer["events_ignored"]) == (4, 3, {})
    assert 0 < answer["probability"] < 1 and {reason["event_type"] for reason in answer["reasons"]} <= {
        "search",
        *named,
    }


def test_the_written_model_is_one_of_mlflows_own(published: Workspace, url: str) -> None:
    import mlflow

    folder: Path = published.settings.home / "serving" / "small-no_funnel" / "1"
    held = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert held == {"", ".yaml", ".txt", ".py", ".json", ".safetensors"}  # nothing pickled
    request = as_request(dict(list(raw_sessions(published).items())[:3]))
    assert mlflow.pyfunc.load_model(str(folder)).predict(request["inputs"]) == post(url, request)[1]["predictions"]
