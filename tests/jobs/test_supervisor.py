"""`run` as a whole: what it starts it looks after, and what it started ends with it."""

import http.client
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.processes import alive, answers, children, free_port, kill, running, spawn, wait_for

NAMES = {"sandbox", "web", "worker"}
PORTS = ("PORT", "SANDBOX_PORT")


@pytest.fixture(scope="module")
def everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    with running(tmp_path_factory.mktemp("run")) as started:
        yield started


Started = tuple[subprocess.Popen[str], dict[str, str]]


def test_it_starts_sandbox_web_and_worker(everything: Started):
    process, env = everything
    assert set(children(process.pid)) == NAMES
    assert answers(env)


def test_no_server_lets_an_idle_connection_go_before_those_that_use_it(everything: Started):
    """Stripe's client lets go after five seconds, proxies after a minute or two."""
    _, env = everything
    idle = [http.client.HTTPConnection("127.0.0.1", int(env[one])) for one in PORTS]
    for one in (*idle, None, *idle):
        if one is None:
            time.sleep(5.5)
            continue
        one.putrequest("GET", "/")
        one.endheaders()
        # A closed one raises here: unlike others, it is not opened again behind our back.
        one.auto_open = 0
        one.getresponse().read()
    for each in idle:
        each.close()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_dead_child_is_started_again_and_the_others_are_left_alone(
    everything: Started, name: str
):
    process, env = everything
    before = children(process.pid)
    kill(before[name])
    wait_for(lambda: children(process.pid).get(name) not in (None, before[name]))
    wait_for(lambda: answers(env))
    after = children(process.pid)
    assert {one: pid for one, pid in after.items() if one != name} == {
        one: pid for one, pid in before.items() if one != name
    }


def test_a_second_run_on_the_same_data_is_refused_in_one_line(everything: Started):
    _, env = everything
    free = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    with spawn(["run"], env | free, stderr=subprocess.PIPE) as second:
        _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "runs already" in err and err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_term_and_a_closed_terminal_leave_nothing(tmp_path: Path, number: signal.Signals):
    with running(tmp_path) as (process, env):
        before = children(process.pid)
        process.send_signal(number)
        assert process.wait(20) == 0
        assert not [name for name, pid in before.items() if alive(pid)]
        assert not answers(env)


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path):
    with running(tmp_path) as (process, _):
        before = children(process.pid)
        assert set(before) == NAMES
        kill(process.pid)
        process.wait(10)
        wait_for(lambda: not any(alive(pid) for pid in before.values()))
    # Nothing of the killed run keeps the next one from starting.
    with running(tmp_path) as (process, env):
        assert answers(env)
