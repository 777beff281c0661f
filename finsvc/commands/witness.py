"""``finsvc audit witness``: be a witness for somebody's log, or have the own log witnessed.

Over HTTP, or by files on a stick where the witness has no network.
"""

from pathlib import Path
from typing import Annotated

import typer

from finsvc.adapters import witness
from finsvc.commands import common, output
from finsvc.commands.output import ExitCode

app = typer.Typer(no_args_is_help=True, help="Cosign a log's checkpoints, or have them cosigned.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.")]
Logs = Annotated[list[str], typer.Option("--log", help="Public key (vkey) of a log to witness.")]
Keys = Annotated[list[str], typer.Option("--witness", help="Public key (vkey) of a witness.")]
Out = Annotated[Path, typer.Option("--out", help="File to write.")]
OldSize = Annotated[int, typer.Option("--old", help="Size that the witness cosigned last.")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[str, typer.Option(help="The witness's name, a URL without scheme.")],
) -> None:
    """Make a witness's keys and print their public halves, which auditors must get from you.

    For example:

      finsvc audit witness init ./witness --name audit.bank.example/w1
    """
    for vkey in witness.create_witness(folder, name):
        output.out.print(vkey, markup=False, soft_wrap=True)


@app.command()
def serve(folder: Folder, log: Logs, host: str = "127.0.0.1", port: int = 8090) -> None:
    """Answer `POST /add-checkpoint` until interrupted.

    For example:

      finsvc audit witness serve ./witness --log "$(cat log.vkey)"
    """
    witness.serve_witness(folder, log, host=host, port=port)


@app.command()
def answer(
    folder: Folder,
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The request's file.")],
    log: Logs,
    out: Out,
) -> None:
    """Answer a request that came on a stick. Exit code 4 when it is refused.

    For example:

      finsvc audit witness answer ./witness request --log "$(cat log.vkey)" --out answer
    """
    status, text = witness.answer_file(folder, log, request.read_bytes())
    if status != 200:
        output.out.print(f"refused ({status}): {text.strip()}", markup=False)
        raise typer.Exit(ExitCode.CHECK_FAILED)
    out.write_text(text)


@app.command()
def request(out: Out, old: OldSize = 0) -> None:
    """Write the request to carry to a witness.

    For example:

      finsvc audit witness request --out request
    """
    out.write_text(witness.request_file(_log(), old_size=old))


@app.command()
def accept(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The request's file.")],
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="The answer's file.")],
    witness_keys: Keys,
    out: Out,
) -> None:
    """Check a witness's answer and write the cosigned checkpoint, to be kept outside the log.

    For example:

      finsvc audit witness accept request answer --witness "$VKEY" --out witnessed.note
    """
    note = witness.take_answer_file(request.read_bytes(), answer.read_text(), witness_keys)
    out.write_text(note)


@app.command()
def ask(
    url: Annotated[str, typer.Argument(metavar="URL", help="The witness's submission prefix.")],
    witness_keys: Keys,
    out: Out,
    old: OldSize = 0,
) -> None:
    """Have the log's checkpoint cosigned over HTTP and write it, to be kept outside the log.

    For example:

      finsvc audit witness ask http://witness:8090 --witness "$VKEY" --out witnessed.note
    """
    out.write_text(witness.ask_witness(_log(), url, witness_keys, old_size=old))


def _log() -> Path:
    return common.load_settings().data_dir / "log"
