"""Pictures and cards of plain numbers: for the report and for notebooks."""
