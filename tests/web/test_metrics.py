"""Metrics as Prometheus reads them: who may, what they say, and that the page names each."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families

from actors.figures import FiguresWatch
from actors.kernel import MailboxStatistics, Node, State
from actors.watcher import WatcherState, WatcherView
from offerhub.domain.chain import ChainStatus
from offerhub.domain.intents import TrustUsdc
from offerhub.domain.unit_of_work import Committed
from tests.storage.units import Hands
from tests.web.running import open_instance
from web.metrics import Metrics, MetricsFace, create_metrics_app

TOKEN = "token-of-the-scrapes"
PAGE = Path(__file__).parents[2] / "docs/metrics.md"


def parsed(text):
    """Sample name and labels → value."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
async def metered():
    metrics = Metrics()
    async with open_instance(metrics=MetricsFace(metrics, TOKEN)) as running:
        figures = FiguresWatch(
            running.system.storage, running.system.network, "GPLATFORM", running.system.clock
        )
        metrics.show(running.system, figures)
        running.journal.observe_group = metrics.committed
        running.journal.observe_violation = metrics.violated
        running.figures = figures
        yield running


async def scrape(running, authorization=f"Bearer {TOKEN}"):
    headers = {} if authorization is None else {"Authorization": authorization}
    return await running.app.test_client().get("/metrics", headers=headers)


async def samples(running):
    answer = await scrape(running)
    assert 200 == answer.status_code
    return parsed(await answer.get_data(as_text=True))


@pytest.mark.shows("GET /metrics")
async def test_a_scrape_with_the_token_is_text_that_prometheus_reads(metered):
    answer = await scrape(metered)
    assert 200 == answer.status_code
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert parsed(await answer.get_data(as_text=True))


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Basic " + TOKEN, TOKEN, "Bearer ", "Bearer é"]
)
async def test_whoever_lacks_the_token_sees_nothing(metered, authorization):
    answer = await scrape(metered, authorization)
    assert 401 == answer.status_code
    assert "offerhub_" not in await answer.get_data(as_text=True)


async def test_without_a_setting_they_are_off(running):
    answer = await running.app.test_client().get("/metrics")
    assert 404 == answer.status_code
    assert "METRICS_TOKEN" in (await answer.get_json())["error"]["message"]


@pytest.mark.parametrize(("token", "status"), [(None, 200), (TOKEN, 401)])
async def test_a_listener_of_its_own_asks_for_a_token_only_if_there_is_one(token, status):
    client = create_metrics_app(MetricsFace(Metrics(), token)).test_client()
    assert status == (await client.get("/metrics")).status_code
    allowed = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert 200 == allowed.status_code
    assert 404 == (await client.get("/")).status_code


async def test_requests_count_by_the_route_as_declared_and_never_by_what_callers_write(metered):
    await metered.user("ann")
    for path in ("/users/usr_1", "/users/usr_2", "/nowhere/1", "/nowhere/2"):
        assert 404 == (await metered.get(path)).status_code
    found = await samples(metered)
    name = "http_server_request_duration_seconds_count"

    def count(method, route, status):
        labels = (
            ("http_request_method", method),
            ("http_response_status_code", status),
            ("http_route", route),
        )
        return found[(name, *labels)]

    assert 1 == count("POST", "/users", "201")
    assert 2 == count("GET", "/users/{id}", "404")
    assert 2 == count("none", "none", "404")
    assert 2 == found[("offerhub_http_errors_total", ("code", "USER_NOT_FOUND"))]
    assert not any("usr_" in str(key) or "nowhere" in str(key) for key in found)


async def test_the_journal_s_groups_and_what_breaks_a_rule_of_money_are_counted(metered):
    before = await samples(metered)
    await metered.user("ann")
    after = await samples(metered)
    for name in ("offerhub_journal_group_size_count", "offerhub_journal_commit_seconds_count"):
        assert after[(name,)] > before[(name,)]
    assert 0 == after[("offerhub_invariant_violations_total",)]
    metered.journal.observe_violation()
    assert 1 == (await samples(metered))[("offerhub_invariant_violations_total",)]


async def test_the_state_of_the_process_is_read_from_memory(metered):
    mailbox = MailboxStatistics(State.RUNNING, depth=3)
    orders = Node(
        "orders",
        State.RUNNING,
        mailbox,
        restarts=2,
        children=(Node("orders/ord_1", State.QUARANTINED, mailbox),),
    )
    metered.tree = Node("root", State.RUNNING, children=(orders,))
    metered.system.watcher.view = WatcherView(WatcherState.SILENT, cursor_ledger=5)
    metered.network.latest_ledger = 12
    await metered.system.ledger_clock.state(0)
    metered.system.alarms.sound("cop_1", "unclear")
    metered.system.alarms.sound("clock", "off")
    await metered.post("/admin/maintenance/enable")
    metered.system.hub.begin(0)
    subscription = metered.system.hub.subscribe(after=0)
    found = await samples(metered)
    subscription.close()
    assert 3 == found[("offerhub_mailbox_depth", ("actor", "orders"))]
    assert 2 == found[("offerhub_actor_restarts_total", ("actor", "orders"))]
    assert not any("ord_1" in str(key) for key in found)
    assert 7 == found[("offerhub_watcher_lag_ledgers",)]
    assert 1 == found[("offerhub_watcher_state", ("state", "silent"))]
    assert 0 == found[("offerhub_watcher_state", ("state", "following"))]
    assert 2 == found[("offerhub_alarms",)]
    assert 1 == found[("offerhub_operations_unknown",)]
    assert 1 == found[("offerhub_maintenance",)]
    assert 1 == found[("offerhub_sse_subscribers",)]


async def test_money_and_open_work_are_as_they_were_read_last(metered):
    assert ("offerhub_operations_open",) not in await samples(metered)
    hands = Hands(metered.system.clock() - timedelta(seconds=90))
    oldest, signed, ended = (hands.operation() for _ in range(3))
    signed = evolve(signed, tx_hash="ab", envelope="AAAA", status=ChainStatus.SUBMITTED)
    ended = evolve(ended, status=ChainStatus.FAILED)
    mine = evolve(hands.operation(), intent=TrustUsdc("GPLATFORM"))
    unit = hands.unit(writes=(oldest, signed, ended, mine))
    assert isinstance(await metered.journal.commit(unit), Committed)
    await metered.figures.read_database()
    await metered.figures.read_account()
    found = await samples(metered)
    assert 3 == found[("offerhub_operations_open",)]
    assert 1 == found[("offerhub_operations_signed",)]
    assert 1 == found[("offerhub_platform_lane_depth",)]
    assert 90 <= found[("offerhub_oldest_operation_seconds",)] < 100
    account = await metered.network.account("GPLATFORM")
    assert account.usdc is not None
    assert float(account.usdc.two_places()) == found[("offerhub_platform_usdc",)]
    assert float(account.xlm_spendable.two_places()) == found[("offerhub_platform_xlm",)]
    assert 0 == found[("offerhub_dues_usdc", ("side", "owed"))]


async def test_a_database_that_is_away_leaves_the_figures_and_lets_them_age(metered):
    await metered.figures.read_database()
    metered.database.available = False
    metered.clock_offset += timedelta(minutes=5)
    await metered.figures.read_database()
    found = await samples(metered)
    assert 300 <= found[("offerhub_figures_age_seconds",)] < 310


async def test_the_page_names_every_metric_and_none_besides(metered):
    await metered.get("/users/usr_1")
    metered.system.watcher.view = WatcherView(WatcherState.FOLLOWING, cursor_ledger=1)
    await metered.system.ledger_clock.state(0)
    await metered.figures.read_database()
    await metered.figures.read_account()
    text = await (await scrape(metered)).get_data(as_text=True)
    served = {family.name for family in text_string_to_metric_families(text)}
    own = {name for name in served if not name.startswith(("process_", "python_"))}
    named = re.findall(
        r"^\| `((?:offerhub|http)_\w+?)(?:_total)?` \|", PAGE.read_text(), re.MULTILINE
    )
    assert own == set(named)
