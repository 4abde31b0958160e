"""The command line: `python -m dashboard COMMAND`.

Exit codes: 0 done, 1 something is wrong (doctor, a failed seed), 2 it can't be done as asked.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from dashboard import clock, settings
from dashboard.commands import BadInput
from dashboard.settings import Settings, SettingsError

Command = Callable[[argparse.Namespace, Settings], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code."""
    args = _parser().parse_args(argv)
    command: Command = args.command
    try:
        chosen = settings.from_env(os.environ)
        settings.use(chosen)
        if chosen.sandbox:
            clock.follow(chosen.clock_file)
        return command(args, chosen)
    except SettingsError as error:
        return _refused(args, error)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


# The imports inside are what each command needs: a command that is not run costs no start-up time.


def _run(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands.run import run

    return run(chosen, empty=args.empty)


def _web(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands import processes

    return processes.web(chosen)


def _worker(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands import processes

    return processes.worker(chosen)


def _sandbox(args: argparse.Namespace, chosen: Settings) -> int:
    if not chosen.sandbox:
        raise BadInput("STRIPE_API_KEY is set: the sandbox runs only without it.")
    from dashboard.commands import ports
    from dashboard.observability import logs
    from dashboard.sandbox import server

    logs.configure(chosen)
    ports.require_free("127.0.0.1", chosen.sandbox_port, "SANDBOX_PORT")
    chosen.var_dir.mkdir(parents=True, exist_ok=True)
    server.serve(chosen)
    return 0


def _migrate(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands import processes

    count = processes.migrations(chosen)
    print(f"{count} migrations run." if count else "The database is up to date.")
    return 0


def _seed(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands.seed import seed, write_past

    if args.bookings is None:
        return seed(chosen, args.number)
    return write_past(chosen, args.number, args.bookings, args.months)


def _doctor(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands import doctor

    return doctor.doctor(chosen, as_json=args.json)


def _reconcile(args: argparse.Namespace, chosen: Settings) -> int:
    from dashboard.commands import reconcile

    return reconcile.reconcile(chosen)


def _refused(args: argparse.Namespace, error: SettingsError) -> int:
    """Say in one line why nothing starts; to the doctor it is a finding like another."""
    if args.command is not _doctor:
        print(error, file=sys.stderr)
        return 2
    from dashboard.commands import doctor

    return doctor.refused(error, as_json=args.json)


def _entry(name: str) -> Command:
    """The command that puts something in and prints what `commands.entries` answers."""

    def put_in(args: argparse.Namespace, chosen: Settings) -> int:
        from dashboard.commands import entries

        print(getattr(entries, name)(args))
        return 0

    return put_in


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Holdfast")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plain: tuple[tuple[str, Command, str], ...] = (
        ("web", _web, "the desk and the public endpoints"),
        ("worker", _worker, "the sweeps and the nudges"),
        ("sandbox", _sandbox, "Stripe's API on this machine; no real cards are charged"),
        ("migrate", _migrate, "set up the database, or bring it up to date"),
        ("reconcile", _reconcile, "compare with Stripe now, and tell what differs"),
    )
    for name, command, what in plain:
        commands.add_parser(name, help=what).set_defaults(command=command)
    look = commands.add_parser("doctor", help="say what is wrong, and what to do about it")
    look.add_argument("--json", action="store_true", help="for programs")
    look.set_defaults(command=_doctor)
    everything = commands.add_parser("run", help="all of it here, looked after until Ctrl-C")
    everything.add_argument("--empty", action="store_true", help="leave an empty sandbox empty")
    everything.set_defaults(command=_run)
    seed = commands.add_parser("seed", help="fill an empty sandbox with 60 days of bookings")
    seed.add_argument("--number", type=int, default=1, help="another number, other bookings")
    seed.add_argument(
        "--bookings", type=int, help="instead: write a past of so many bookings, in minutes"
    )
    seed.add_argument("--months", type=int, default=12, help="how long that past is (12)")
    seed.set_defaults(command=_seed)
    _add_entries(commands)
    return parser


def _add_entries(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    staff = commands.add_parser("staff", help="the people at the desk").add_subparsers(
        required=True, metavar="COMMAND"
    )
    person = staff.add_parser("add", help="add a person; prints the id")
    person.add_argument("email")
    person.add_argument("--role", required=True, choices=("viewer", "support", "finance", "admin"))
    person.add_argument("--name", default="")
    person.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the password from stdin"
    )
    person.set_defaults(command=_entry("add_staff"))
    _add_changes(staff)
    token = commands.add_parser("token", help="the keys of programs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    key = token.add_parser("add", help="make a token; prints it, once")
    key.add_argument("name")
    key.add_argument("--scope", required=True, help="bookings, payments, tickets; several by comma")
    key.set_defaults(command=_entry("add_token"))
    shown = token.add_parser("list", help="every token: scopes, last use, never the token itself")
    shown.set_defaults(command=_entry("list_tokens"))
    ended = token.add_parser("revoke", help="withdraw a token, at once")
    ended.add_argument("id", type=int, help="its number in the list")
    ended.set_defaults(command=_entry("revoke_token"))
    _add_catalog(commands)
    figures = commands.add_parser("metrics", help="the figures of finance").add_subparsers(
        required=True, metavar="COMMAND"
    )
    again = figures.add_parser("rebuild", help="count every day anew; says how many changed")
    again.set_defaults(command=_entry("rebuild_metrics"))


def _add_changes(staff: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    shown = staff.add_parser("list", help="everybody who is or was at the desk")
    shown.set_defaults(command=_entry("list_staff"))
    out = staff.add_parser("deactivate", help="shut a person out, at once")
    out.add_argument("email")
    out.set_defaults(command=_entry("deactivate"))
    role = staff.add_parser("role", help="give another role; the person signs in again")
    role.add_argument("email")
    role.add_argument("role", choices=("viewer", "support", "finance", "admin"))
    role.set_defaults(command=_entry("change_role"))
    word = staff.add_parser("password", help="set another password; the person signs in again")
    word.add_argument("email")
    word.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the password from stdin"
    )
    word.set_defaults(command=_entry("change_password"))


def _add_catalog(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    catalog = commands.add_parser("catalog", help="what can be bought").add_subparsers(
        required=True, metavar="COMMAND"
    )
    person = catalog.add_parser("add-instructor", help="add an instructor; prints the id")
    person.add_argument("name")
    person.add_argument("--email", required=True)
    person.add_argument("--rate", type=int, required=True, help="minor units for an hour")
    person.add_argument("--currency", required=True)
    person.add_argument("--subject", default="")
    person.add_argument("--time-zone", default="UTC")
    person.set_defaults(command=_entry("add_instructor"))
    package = catalog.add_parser("add-package", help="add a package; prints the id")
    package.add_argument("name")
    package.add_argument("--lessons", type=int, required=True)
    package.add_argument("--price", type=int, required=True, help="minor units")
    package.add_argument("--currency", required=True)
    package.set_defaults(command=_entry("add_package"))


if __name__ == "__main__":
    sys.exit(main())
