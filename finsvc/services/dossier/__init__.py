"""Records for people: what an exported line says, as a page of HTML and in a PDF."""
