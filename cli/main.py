"""The `runledger` command: every subcommand has its own file and is written out here."""

import click

from cli.exits import Program

COMMANDS = {
    "serve": "Serve the API; starts the embedded servers that no address is set for.",
    "worker": "Work behind the API: give events their positions, follow them, make reports, run rebuilds.",
    "rebuild": "Build all views anew from the log while traffic flows.",
    "token": "Issue, list and revoke access tokens.",
    "doctor": "Check this deployment, and say what to do where something is wrong.",
    "verify": "Verify hashes, chain, versions and checkpoints of the ledger.",
    "audit": "Check what is stored, export evidence, change the signing key.",
    "demo": "Fill a ledger with a believable test campaign.",
}


class Runledger(Program):
    """Imports a command when it is called: together they take two seconds, which `--help` need not wait for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        match cmd_name:
            case "serve":
                from cli.serve import serve

                return serve
            case "worker":
                from cli.worker import worker

                return worker
            case "rebuild":
                from cli.rebuild import rebuild

                return rebuild
            case "token":
                from cli.tokens import token

                return token
            case "doctor":
                from cli.doctor import doctor

                return doctor
            case "verify":
                from cli.verify import verify

                return verify
            case "audit":
                from cli.audit import audit

                return audit
            case "demo":
                from cli.demo import demo

                return demo
        return None


@click.group(cls=Runledger)
@click.version_option("0.1.0", message="runledger %(version)s")
def main() -> None:
    """Runledger: the system of record for test evidence.

    Exit codes: 0 all right, 1 error, 2 usage, 3 integrity, 4 a server that is needed is down, 5 refused.
    Settings come from RUNLEDGER_* environment variables; `runledger doctor` shows those in force.
    """


if __name__ == "__main__":
    main()
