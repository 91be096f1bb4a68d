"""Charts of the dashboard, drawn on the server: a chart a file, each a pure function of rows to SVG."""
