"""Sphinx's configuration; ``tools/build_docs.py`` runs it on a copy of this folder."""

from pygments.lexers.special import TextLexer

project = "Haystack server"
root_doc = "index"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_*"]
myst_heading_anchors = 6  # as GitHub makes them
suppress_warnings = ["myst.header"]
html_theme = "furo"
html_title = "Haystack server"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}


def setup(app):
    app.add_lexer("csv", TextLexer)
