"""Second clauses about a subject that a pronoun takes up, by intent."""

PRONOUN_CLAUSES: dict[str, tuple[str, ...]] = {
    "limit_check": (
        "[does it|does it] [breach|exceed|respect|violate] [its|the|any] limits",
        "is it [within|inside|in breach of] [its|the|all] limits",
        "does it [breach|exceed|respect] {limit}",
        "[check|test] it against [its|the] limits",
        "are there any breaches",
        "is it within {limit}",
    ),
    "large_exposures": (
        "does it have [large exposures|concentrations|any large exposures]",
        "[are there|does it have] positions [above|over] {threshold}",
        "what are its large exposures",
        "which positions exceed {threshold}",
    ),
    "positions": (
        "what [is in it|does it hold|does it contain]",
        "[list|show] its [positions|holdings]",
        "what are its [positions|holdings]",
    ),
    "stress_test": (
        "[what|how much] would it lose [in|under] {scenario}",
        "stress it [with|under] {scenario}",
        "what would {scenario} do to it",
        "how much does it lose if {scenario:clause}",
    ),
    "exposure": (
        "how is it split by {by}",
        "what is it exposed to by {by}",
        "break it down by {by}",
    ),
    "price_change": (
        "how much has it [moved|gained|lost] since {start}",
        "how did it do in {start:period}",
        "how much did it move [from|between] {start} [to|and] {end}",
    ),
    "profit_and_loss": (
        "how much did it [make|lose|earn] [in|over] {start:period}",
        "what has it made since {start}",
        "what did it earn from {start} to {end}",
    ),
    "price": ("what did it close at", "where did it close on {as_of}", "how much is it"),
    "volatility": ("how volatile is it", "how volatile was it over {window:span}"),
}
