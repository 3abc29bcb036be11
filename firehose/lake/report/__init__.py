"""The report on a lake: figures made by SQL and by listing, and the page that shows them."""
