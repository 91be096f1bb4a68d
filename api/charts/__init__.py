"""Charts of the pages as SVG, a chart a file: rows in, markup out. Colours are classes; the page's style knows them."""
