"""Pictures of the documents that HTTP and the command line carry."""

from collections.abc import Mapping
from pathlib import PurePath

from finsvc.calculators.plots.drawings import PlotFormat, plot
from finsvc.calculators.serialization import result_from_json
from finsvc.domain.errors import InputError


def plot_document(document: Mapping[str, object], file_format: PlotFormat) -> bytes:
    """Draw a result's document; fields that the second method denies are named in the picture.

    Raises:
        InputError: the document is no result, or its calculator's results have no picture.
    """
    result = result_from_json({name: part for name, part in document.items() if name != "second"})
    return plot(result, file_format, is_confirmed=_is_confirmed(document.get("second")))


def _is_confirmed(second: object) -> bool:
    fields = second.get("fields") if isinstance(second, Mapping) else None
    if not isinstance(fields, Mapping):
        return False
    return all(isinstance(item, Mapping) and item.get("within") is True for item in fields.values())


def format_of(name: str) -> PlotFormat:
    """Format by the ending of a file's name.

    Raises:
        InputError: the ending is none of the formats.
    """
    ending = PurePath(name).suffix.removeprefix(".").lower()
    if ending not in list(PlotFormat):
        known = " or ".join(f".{item.value}" for item in PlotFormat)
        raise InputError(field="plot", expected=f"a file that ends in {known}", actual=repr(name))
    return PlotFormat(ending)
