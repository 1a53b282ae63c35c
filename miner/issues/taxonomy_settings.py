"""What of the settings Claude is told."""

from __future__ import annotations

from miner.issues.prompt import Taxonomy
from miner.settings import Settings


def taxonomy_of(settings: Settings) -> Taxonomy:
    """The areas with their components, the definitions and the product, as the prompt takes them."""
    names = list(dict.fromkeys([*settings.areas, *settings.components]))
    return Taxonomy(
        areas={name: settings.components.get(name, []) for name in names},
        product=settings.product,
        language=settings.language,
        types={str(name): text for name, text in settings.type_definitions.items()},
        severities={str(name): text for name, text in settings.severity_definitions.items()},
    )
