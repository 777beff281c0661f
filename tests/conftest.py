"""House rules of every run: no network outside e2e tests, and nothing skipped in CI."""

import os

import pytest

try:
    from pytest_socket import disable_socket, enable_socket
except ImportError:  # A GPU host has torch, triton and pytest only; kernels and engine run there.
    if os.environ.get("CI") == "true":
        raise

    def enable_socket() -> None:
        """Do nothing where sockets are not guarded."""

    def disable_socket(*, allow_unix_socket: bool) -> None:
        """Do nothing where sockets are not guarded."""


_skipped: list[str] = []


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only e2e tests, and long ones that fetch public vocabularies, open sockets."""
    if item.get_closest_marker("e2e") or item.get_closest_marker("slow"):
        enable_socket()
    else:
        disable_socket(allow_unix_socket=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test fails the run: what should run there must run there."""
    if os.environ.get("CI") == "true" and _skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skipped tests, so that nobody takes them for passed."""
    if _skipped:
        terminalreporter.write_line(f"skipped: {', '.join(_skipped)}")
