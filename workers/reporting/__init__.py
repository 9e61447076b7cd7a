"""What a report says, and how it is written: HTML, PDF, XLSX, CSV, with a chart."""
