"""Recipe `reporting`: where this release's Trainer can report to, and what of that has its package here."""


def run(request):
    """Return `transformers` (the version), `known` and `available`: names as `report_to` takes them."""
    import transformers
    from transformers import integrations

    return {
        "transformers": transformers.__version__,
        "known": sorted(integrations.INTEGRATION_TO_CALLBACK),
        "available": sorted(integrations.get_available_reporting_integrations()),
    }
