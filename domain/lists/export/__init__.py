"""Lists as CSV or XLSX files, written by a worker."""
