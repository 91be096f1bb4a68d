"""The dashboard's charts: a chart a file, each a pure function of rows that returns SVG; colours come from the style sheet."""
