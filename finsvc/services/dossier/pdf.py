"""Pages in one PDF: A4, a font that comes along, the same bytes for the same records.

Long prompts and inputs are left to the other forms where there are many records; a note says so.
"""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from finsvc.services.dossier.pages import Block, Facts, Page, Table, Text

_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT, _TOP, _BOTTOM = 54.0, _WIDTH - 54.0, _HEIGHT - 60.0, 56.0
_SPACE = _RIGHT - _LEFT
_NAME_WIDTH = 118.0
_GAP = 8.0
_PLAIN, _BOLD, _EXACT = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
_INK, _SOFT, _LINE, _BAND = (
    (0.11, 0.14, 0.19),
    (0.36, 0.42, 0.49),
    (0.85, 0.87, 0.9),
    (
        0.96,
        0.965,
        0.975,
    ),
)
_SIZE, _SMALL, _FOOT, _LEADING = 8.5, 7.5, 7.0, 1.38
# Shorter ones are printed in any case.
_FOLDED_CHARS_MIN = 800
_LONG_NOTE = "{label}: {count} characters, in full in the HTML page and in records.jsonl."


def write_pdf(
    destination: Path, title: str, pages: Iterable[Page], *, is_full: bool = False
) -> int:
    """Write records one after another, each from a page of its own; return the number of sheets.

    Args:
        destination: The file.
        title: Of the document.
        pages: In their order.
        is_full: Whether long prompts and inputs are printed too.

    Raises:
        OSError: The file cannot be written.
    """
    _register_fonts()
    # Text form of compressed streams: larger, and slow to make.
    rl_config.useA85 = 0
    canvas = Canvas(str(destination), pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(title)
    writer = _Writer(canvas, is_full=is_full)
    for page in pages:
        writer.page(page)
    writer.finish()
    canvas.save()
    return writer.num_sheets


class _Writer:
    """Fills sheets from the top."""

    def __init__(self, canvas: Canvas, *, is_full: bool) -> None:
        self._canvas = canvas
        self._is_full = is_full
        self._y = 0.0
        self._footer = ""
        self._text_of_sheet = canvas.beginText()
        self._font, self._color = ("", 0.0), _INK
        self.num_sheets = 0

    def page(self, page: Page) -> None:
        self.finish()
        self._footer = f"{page.kind} {page.record_id}"
        self._begin()
        self._canvas.bookmarkPage(f"record-{page.index}")
        self._canvas.addOutlineEntry(f"{page.index} {page.kind}", f"record-{page.index}", 0)
        self._lines(f"{page.kind} {page.record_id}", font=_BOLD, size=13)
        self._lines(f"Record {page.index}, {page.time}", size=_SMALL, color=_SOFT)
        for section in page.sections:
            self._section(section.title)
            for block in section.blocks:
                self._block(block)

    def finish(self) -> None:
        """End the sheet, if one was begun."""
        if self._y:
            self._end()

    def _begin(self) -> None:
        self.num_sheets += 1
        self._y = _TOP
        # One text object a sheet: fonts and colours are stated only where they change.
        self._text_of_sheet = self._canvas.beginText()
        self._font, self._color = ("", 0.0), (-1.0, -1.0, -1.0)

    def _end(self) -> None:
        self._y = 34.0
        number = str(self.num_sheets)
        self._draw(_LEFT, self._footer, size=_FOOT, color=_SOFT)
        width = pdfmetrics.stringWidth(number, _PLAIN, _FOOT)
        self._draw(_RIGHT - width, number, size=_FOOT, color=_SOFT)
        self._canvas.drawText(self._text_of_sheet)
        self._canvas.showPage()
        self._y = 0.0

    def _need(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._end()
            self._begin()

    def _section(self, title: str) -> None:
        self._need(60)
        self._y -= 12
        self._lines(title, font=_BOLD, size=10)
        self._rule()

    def _rule(self) -> None:
        self._canvas.setStrokeColorRGB(*_LINE)
        self._canvas.setLineWidth(0.6)
        self._y -= 4
        self._canvas.line(_LEFT, self._y, _RIGHT, self._y)
        self._y -= 2

    def _block(self, block: Block) -> None:
        match block:
            case Facts():
                for name, value in block.rows:
                    self._fact(name, value)
            case Table():
                self._table(block)
            case Text():
                self._text(block)
        self._y -= 3

    def _fact(self, name: str, value: str) -> None:
        lines = _wrapped(value, _PLAIN, _SIZE, _SPACE - _NAME_WIDTH)
        for number, line in enumerate(lines):
            self._need(_SIZE * _LEADING)
            self._y -= _SIZE * _LEADING
            if not number:
                self._draw(_LEFT, name, color=_SOFT)
            self._draw(_LEFT + _NAME_WIDTH, line)

    def _table(self, table: Table) -> None:
        total = sum(table.weights)
        widths = [_SPACE * weight / total for weight in table.weights]
        self._row(table.head, widths, font=_BOLD)
        for row in table.rows:
            self._row(row, widths, font=_PLAIN)

    def _row(self, cells: tuple[str, ...], widths: list[float], *, font: str) -> None:
        columns = [
            _wrapped(cell, font, _SMALL, width - _GAP)
            for cell, width in zip(cells, widths, strict=True)
        ]
        height = max(map(len, columns))
        # A row stays together where a sheet can hold it.
        self._need(min(height * _SMALL * _LEADING + 6, _TOP - _BOTTOM))
        for number in range(height):
            self._need(_SMALL * _LEADING)
            self._y -= _SMALL * _LEADING
            x = _LEFT
            for lines, width in zip(columns, widths, strict=True):
                if number < len(lines):
                    self._draw(x, lines[number], font=font, size=_SMALL)
                x += width
        self._rule()

    def _text(self, text: Text) -> None:
        if text.is_long and len(text.text) > _FOLDED_CHARS_MIN and not self._is_full:
            note = _LONG_NOTE.format(label=text.label, count=len(text.text))
            self._lines(note, size=_SMALL, color=_SOFT)
            return
        if text.label:
            self._lines(text.label, size=_SMALL, color=_SOFT)
        if text.is_exact:
            self._lines(text.text, font=_EXACT, size=_SMALL - 0.5, is_banded=True)
        else:
            self._lines(text.text)

    def _lines(
        self,
        text: str,
        *,
        font: str = _PLAIN,
        size: float = _SIZE,
        color: tuple[float, float, float] = _INK,
        is_banded: bool = False,
    ) -> None:
        margin = 5.0 if is_banded else 0.0
        for line in _wrapped(text, font, size, _SPACE - 2 * margin):
            self._need(size * _LEADING)
            self._y -= size * _LEADING
            if is_banded:
                self._canvas.setFillColorRGB(*_BAND)
                self._canvas.rect(
                    _LEFT, self._y - size * 0.32, _SPACE, size * _LEADING, stroke=0, fill=1
                )
            self._draw(_LEFT + margin, line, font=font, size=size, color=color)

    def _draw(
        self,
        x: float,
        text: str,
        *,
        font: str = _PLAIN,
        size: float = _SIZE,
        color: tuple[float, float, float] = _INK,
    ) -> None:
        if (font, size) != self._font:
            self._text_of_sheet.setFont(font, size)
            self._font = (font, size)
        if color != self._color:
            self._text_of_sheet.setFillColorRGB(*color)
            self._color = color
        self._text_of_sheet.setTextOrigin(x, self._y)
        self._text_of_sheet.textOut(text)


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines of a text that fit a width; a word that does not fit alone is broken."""
    measure = _measure(font)
    room = width / size
    lines: list[str] = []
    for given in text.expandtabs(4).splitlines() or [""]:
        line, used = "", 0.0
        for word in _words(given, measure, room):
            length = measure(word)
            if line and used + length > room:
                lines.append(line.rstrip())
                line, used = "", 0.0
                word = word.lstrip()
                length = measure(word)
            line += word
            used += length
        lines.append(line.rstrip())
    return lines


def _words(line: str, measure: Callable[[str], float], room: float) -> Iterable[str]:
    """Words with the space before them, the long ones in pieces."""
    start = 0
    while start < len(line):
        stop = line.find(" ", start + 1)
        word = line[start:] if stop < 0 else line[start:stop]
        start += len(word)
        while measure(word) > room:
            count = max(1, int(len(word) * room / measure(word)))
            while count > 1 and measure(word[:count]) > room:
                count -= 1
            yield word[:count]
            word = word[count:]
        yield word


@cache
def _measure(font: str) -> Callable[[str], float]:
    """Widths of texts in a font of size 1."""

    @lru_cache(maxsize=100_000)
    def measure(text: str) -> float:
        return float(pdfmetrics.stringWidth(text, font, 1.0))

    return measure


@cache
def _register_fonts() -> None:
    """Take the fonts that come with the package which draws pictures."""
    folder = files("matplotlib") / "mpl-data" / "fonts" / "ttf"
    for name in (_PLAIN, _BOLD, _EXACT):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
