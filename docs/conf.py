"""Configuration of the documentation: ``sphinx-build -W --keep-going -b html docs docs/_build``."""

import os
import re

# Set before anything of Hugging Face is imported: the site is built without a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import sklw

project = "sklw"
author = "the developers of sklw"
copyright = "2026, " + author
version = release = sklw.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]
root_doc = "index"

# -- Pages ----------------------------------------------------------------------------------------
myst_enable_extensions = ["colon_fence", "linkify"]
myst_heading_anchors = 3  # so that page.md#heading is a link that the build checks
myst_linkify_fuzzy_links = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# -- Reference ------------------------------------------------------------------------------------
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc says the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the template lists them
numpydoc_class_members_toctree = False
nitpicky = True
# Other projects' pages are not downloaded, so names of theirs are no links.
_OTHERS = "sklearn|imblearn|skorch|numpy|pandas|polars|scipy|torch|transformers|matplotlib|joblib"
nitpick_ignore_regex = [
    (r"py:.*", rf"({_OTHERS})(\..*)?"),
    (r"py:.*", r"(np|pd)\..*"),
    (r"py:class", r"(optional|default.*|array-like|ndarray|callable|sequence|mapping|.*\s.*)"),
]

nitpick_ignore = [("py:meth", "Source.draw")]  # what prompts are given is not a name to import

# -- Gallery --------------------------------------------------------------------------------------
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sklw",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"sklw": None},
    "remove_config_comments": True,
    "abort_on_example_error": False,
    "show_memory": False,
    "parallel": os.cpu_count(),
    "copyfile_regex": r".*\.csv",
}

# -- Site -----------------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_title = "sklw"
html_static_path = ["_static"]
html_css_files = ["sklw.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "tutorial": [], "faq": [], "changelog": [], "choosing": []}


def skip_metadata_requests(app, what, name, obj, skip, options):
    """Leave out ``set_fit_request`` and the like, whose docstrings refer to scikit-learn's site."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def resolve_alias(app, env, node, contnode):
    """Resolve a name that is exported by several packages, or a bare one, to its only page."""
    domain = env.domains.python_domain
    name = "." + node.get("reftarget", "").removeprefix("sklw.").lstrip(".~")
    found = [known for known in domain.objects if known.endswith(name) and "._" not in known]
    if node.get("refdomain") != "py" or len(found) != 1:
        return None
    arguments = node["refdoc"], app.builder, node["reftype"], found[0], node, contnode
    return domain.resolve_xref(env, *arguments)


def setup(app):
    """Connect them."""
    app.connect("autodoc-skip-member", skip_metadata_requests)
    app.connect("missing-reference", resolve_alias)
