"""``/v1/reports``: regulatory reports, computed, logged and handed over with their files.

The files are kept under the data directory; where they lie is the service's choice, never the
caller's.
"""

from fastapi import APIRouter

from finsvc.api.context import CallerOf, Context
from finsvc.api.schemas import ReportBody
from finsvc.services.documents import report_definitions
from finsvc.services.report import ReportCommand, report_run_to_json

router = APIRouter(prefix="/v1/reports")

_FOLDER = "reports"


@router.get("")
def list_reports(by: CallerOf) -> dict[str, object]:
    """All reports."""
    return {"object": "list", "data": report_definitions()}


@router.post("")
async def run_report(body: ReportBody, context: Context, by: CallerOf) -> dict[str, object]:
    """Run a report; ``files`` holds their contents by name."""
    services = context.services
    out = services.settings.data_dir / _FOLDER / services.clock.new_id("out")
    command = ReportCommand(
        name=body.name, book=body.book, as_of=body.as_of, out=out, principal=by.principal
    )

    def work() -> dict[str, object]:
        run = services.report(command)
        files = {name: path.read_text(encoding="utf-8") for name, path in run.files.items()}
        return {**report_run_to_json(run), "files": files}

    return await context.admission.run(work)
