"""The example dashboard and the alert rules are of the metrics that there are, with their labels."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from tests.docs.promtool import run_promtool
from watchman_cli.output.metrics import METRICS, SERVER, labels_of

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DASHBOARD = ROOT / "examples" / "grafana-dashboard.json"
RULES = ROOT / "examples" / "prometheus-rules.yaml"
ALERTMANAGER = ROOT / "examples" / "alertmanager.yaml"
SCRAPED = {"job", "instance"}  # labels that Prometheus adds
# Expressions stay so simple that each metric stands before its own labels.
_USE = re.compile(r"(watchman_\w+)(?:\{([^}]*)\})?")


def check(expression: str) -> set[str]:
    """Return the metrics of an expression, which must exist and have the labels that are asked for."""
    found = set()
    for name, matchers in _USE.findall(expression):
        assert name in METRICS, expression
        wanted = set(re.findall(r"(\w+)\s*[=!]~?", matchers))
        assert wanted <= set(labels_of(name)), expression
        found.add(name)
    for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        known = SCRAPED.union(SERVER, *map(labels_of, found))
        assert set(labels.replace(" ", "").split(",")) <= known, expression
    return found


def test_the_dashboard_has_every_metric_and_no_other() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    shown = set().union(*(check(target["expr"]) for target in targets))
    # The age of a snapshot and the failures in a row say more than these two.
    redundant = {"watchman_server_last_attempt_timestamp_seconds", "watchman_server_up"}
    assert shown == set(METRICS) - redundant
    for target in targets:
        labels = set().union(*(labels_of(name) for name in check(target["expr"])))
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels
    for variable in dashboard["templating"]["list"]:
        check(variable["query"])


def test_a_dead_watchman_is_no_good_news_on_the_dashboard(tmp_path: Path) -> None:
    """The last run was after 9 minutes, and the cycle of its deadline ended after 10."""
    rules = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            name = "panel:" + re.sub(r"\W", "_", f"{panel['title']} {target['legendFormat']}")
            rules.append({"record": name, "expr": re.sub(r"\$(config|owner|repo)\b", ".*", target["expr"])})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    of_server = 'config="/c",owner="o",repo="r"'
    of_deadline = f'{of_server},deadline="d"'
    series = {
        f"watchman_server_configured{{{of_server}}}": "1x20",
        f"watchman_server_last_success_timestamp_seconds{{{of_server}}}": "0+60x9 540x10",
        f'watchman_deadline_state{{{of_deadline},state="met"}}': "1x20",
        f"watchman_deadline_due_timestamp_seconds{{{of_deadline}}}": "100x20",
        f"watchman_deadline_end_timestamp_seconds{{{of_deadline}}}": "600x20",
    }
    expected = {
        ("panel:Servers_read_read", ""): (1, 0),
        ("panel:Servers_not_read_not_read", ""): (0, 1),
        ("panel:Deadlines_by_state___state__", '{state="met"}'): (1, None),
        ("panel:Deadlines_by_state_not_read_since", ""): (0, 1),
    }
    tests = [
        {
            "expr": name,
            "eval_time": time,
            "exp_samples": [] if value is None else [{"labels": name + labels, "value": value}],
        }
        for (name, labels), values in expected.items()
        for time, value in zip(("8m", "18m"), values, strict=True)
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": tests}],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document))
    run_promtool("test", "rules", str(tmp_path / "test.yaml"))


def test_the_dashboard_s_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_the_alert_rules() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    recorded: set[str] = set()
    for rule in rules:
        check(rule["expr"])
        recorded.add(rule.get("record", ""))
        assert set(re.findall(r"watchman:\w+", rule["expr"])) <= recorded, rule["expr"]
    run_promtool("check", "rules", str(RULES))
    run_promtool("test", "rules", str(HERE / "prometheus-rules-test.yaml"))
    tested = yaml.safe_load((HERE / "prometheus-rules-test.yaml").read_text())["tests"]
    fired = {each["alertname"] for test in tested for each in test["alert_rule_test"] if "exp_alerts" in each}
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    assert fired == alerts
    inhibit = yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]
    matchers = [matcher for each in inhibit for matcher in each["source_matchers"] + each["target_matchers"]]
    assert set(re.findall(r"(?:Watchman|Ecflow)\w+", " ".join(matchers))) <= alerts


def test_each_metric_is_documented() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    for name, (_, help_text) in METRICS.items():
        assert f"`{name}`" in page and help_text in page, name
