"""`run`: everything on this machine, in order, looked after until Ctrl-C."""

import sys

from dashboard import clock, supervisor
from dashboard.commands import BadInput, ports, processes, seed
from dashboard.settings import LOOPBACK, Settings
from dashboard.supervisor import Child, NotStarted, Stopped, Supervisor


def run(settings: Settings, *, empty: bool = False) -> int:
    """Migrate, start, seed an empty sandbox, say where it is, and stay until told to stop.

    `empty` leaves an empty sandbox as it is.
    """
    try:
        with supervisor.only_one(settings.var_dir):
            return _run(settings, empty)
    except NotStarted as error:
        raise BadInput(str(error)) from error


def _run(settings: Settings, empty: bool) -> int:
    _require_ports(settings)
    watch = Supervisor(settings.var_dir / "log", _say)
    watch.listen()
    try:
        _start(settings, watch, empty)
        _say(_greeting(settings))
        watch.look_after()
    except Stopped:
        _say("Ending…")
    finally:
        watch.end()
    return 0


def _start(settings: Settings, watch: Supervisor, empty: bool) -> None:
    base = f"http://{_reachable(settings.host)}:{settings.port}"
    sandbox = None
    if settings.sandbox:
        # It needs no database: it comes up while the migrations run.
        url = f"{settings.stripe_api_base}/_sandbox/clock"
        sandbox = watch.start("sandbox", lambda _: supervisor.answers(url))
    if count := processes.migrations(settings):
        _say(f"Set up the database ({count} migrations).")
    if sandbox:
        watch.wait_until_ready(sandbox)
    web = watch.start("web", lambda _: supervisor.answers(f"{base}/readyz"))
    if settings.sandbox and not empty and seed.needed(settings):
        watch.wait_until_ready(web)
        if watch.run_to_end("seed"):
            raise BadInput("The seed was not finished. Run again: it goes on where it stopped.")
    ready = settings.var_dir / "worker.ready"
    ready.unlink(missing_ok=True)
    worker = watch.start("worker", lambda child: _is_up(child, settings))
    watch.wait_until_ready(web, worker)


def _is_up(worker: Child, settings: Settings) -> bool:
    file = settings.var_dir / "worker.ready"
    return file.exists() and file.read_text() == str(worker.pid)


def _require_ports(settings: Settings) -> None:
    ports.require_free(settings.host, settings.port, "PORT")
    if settings.sandbox:
        ports.require_free("127.0.0.1", settings.sandbox_port, "SANDBOX_PORT")


def _reachable(host: str) -> str:
    """An address at which a server that listens on `host` can be asked from here."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _greeting(settings: Settings) -> str:
    lines = ["", f"Holdfast is at {settings.base_url}", ""]
    if not settings.sandbox:
        lines += [
            f"It talks to Stripe at {settings.stripe_api_base}. Add yourself to the desk with:",
            "  python -m dashboard staff add you@example.com --role admin --password-stdin",
        ]
    else:
        people = seed.sign_ins()
        lines += ["Sign in as:" if people else "Add yourself with `python -m dashboard staff add`."]
        lines += [f"  {who.role:8} {who.email:24} {who.password}" for who in people]
        lines += ["", "This is the built-in sandbox: no real cards are charged."]
        if abs(clock.offset().total_seconds()) > 60:
            lines += [f"Its clock was moved: it is {clock.now():%A %d %B %Y, %H:%M} UTC there."]
        if settings.host not in LOOPBACK:
            lines += ["These passwords are public: keep this machine off untrusted networks."]
    lines += ["", f"Logs are in {settings.var_dir / 'log'}/. Ctrl-C ends everything.", ""]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
