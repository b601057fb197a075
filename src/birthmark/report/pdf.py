"""The report as PDF, for paper and for courts: tagged, so that screen readers read it too."""

from __future__ import annotations

import logging
from typing import Any

from birthmark.common.errors import BirthmarkError


def pdf_of(report: str) -> bytes:
    """A report's HTML as PDF; nothing is fetched.

    Parameters
    ----------
    report
        What `render_report` gave.

    Raises
    ------
    BirthmarkError
        If WeasyPrint, or a library of the system that it needs, is not there.
    """
    weasyprint = _weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    fetcher = weasyprint.URLFetcher(allowed_protocols={"data"})
    page = weasyprint.HTML(string=report, url_fetcher=fetcher, base_url="data:,")
    content: bytes = page.write_pdf(pdf_tags=True, pdf_identifier=b"birthmark")
    return content


def require_pdf() -> None:
    """Find out before long work that a PDF can be made.

    Raises
    ------
    BirthmarkError
        If not.
    """
    _weasyprint()


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError as error:
        raise BirthmarkError(
            "--pdf", "needs WeasyPrint", "run `pip install 'birthmark[pdf]'`"
        ) from error
    except OSError as error:
        raise BirthmarkError(
            "--pdf",
            f"WeasyPrint lacks a library of the system ({error})",
            "install Pango (on Debian: apt install libpango-1.0-0 libpangoft2-1.0-0)",
        ) from error
    return weasyprint
