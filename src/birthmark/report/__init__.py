"""The report: one HTML file that holds all it shows."""

from birthmark.report.html import render_report

__all__ = ["render_report"]
