"""Web and worker as processes that die on order: `python -m tests.kill.child`.

It imports the product once and forks for each line `{"run": "web", ...}` on its standard input, so
that a restart takes a moment and not two seconds; the answer is a line with the process id. Nothing
is open at the fork: no connection, no thread, no loop.
"""

import asyncio
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

import dashboard.app
from dashboard import clock, db, settings, stripe_gateway
from dashboard.commands import processes
from dashboard.settings import Settings
from jobs import bridge, queue  # noqa: F401 - imported here, so that no fork has to
from tests.kill import points
from tests.kill.rehearsal import rehearse

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Fork whatever is asked for, until standard input ends."""
    chosen = settings.from_env(os.environ)
    app, create = dashboard.app.create_app(chosen), dashboard.app.create_app
    # An app knows its settings: only their port may differ from those that it was made with.
    dashboard.app.create_app = lambda own: (
        app if msgspec.structs.replace(own, port=chosen.port) == chosen else create(own)
    )
    _warm(app, chosen)
    clock.follow(chosen.clock_file)
    asyncio.run(rehearse(app, chosen))
    # What every fork shares is left alone by its collector, and so need not be copied.
    gc.freeze()
    print("ready", flush=True)  # noqa: T201
    # The kernel collects the dead: nobody here waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            _become(order, chosen)
        print(pid, flush=True)  # noqa: T201


def _warm(app: Any, chosen: Settings) -> None:
    """Import and compile now what each process would otherwise do at its first request."""
    for name in ("h2.connection", "httpcore", "uvloop", "piccolo_conf", "pydantic.v1"):
        importlib.import_module(name)
    config = uvicorn.Config(app, log_config=None)
    config.load()
    config.get_loop_factory()
    for resource in ("payment_intents", "refunds", "disputes", "customers", "setup_intents"):
        getattr(stripe_gateway.StripeGateway(chosen)._api, resource)
    templates = app.template_engine.engine
    for name in templates.list_templates():
        templates.get_template(name)


def _become(order: dict[str, Any], chosen: Settings) -> None:
    """Be the web or the worker, as `python -m dashboard` would make them."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, end in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(end, stream)
    own = msgspec.structs.replace(chosen, **order["settings"])
    if isinstance(engine := db.engine(), db.WalEngine):
        engine.path = order["database"]
    engine.busy_limit = order["busy_limit"]
    settings.use(own)
    clock.follow(own.clock_file)
    journal = Path(order["journal"].format(pid=os.getpid()))
    points.install(points.Points(Path(order["order"]), journal))
    points.limit(own.var_dir / "full")
    try:
        {"web": processes.web, "worker": processes.worker}[order["run"]](own)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
