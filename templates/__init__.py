"""Jinja2 templates, the style sheet and the plots’ style; `repro.templates` once installed."""
