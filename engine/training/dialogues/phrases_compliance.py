"""Phrases for limit checks, large exposures and positions."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.phrase_types import phrases

LIMIT_CHECK = phrases(
    "portfolio",
    nouns="""
[the |a |][limit check|limits check|limit status|limit utilisation|limit utilization|limit usage|limit report|compliance check|compliance status|limit compliance|limit headroom|headroom] [of|for|on] {portfolio:book}
[the |][status|utilisation|usage|headroom] of {limit} [for|of|in] {portfolio:book}
[the |][limit breaches|breaches|limit violations|limit excesses] [of|in|for] {portfolio:book}
{portfolio:book} [limit check|limits|limit status|limit usage|breaches]
{portfolio:book}'s [limit check|limit status|limit utilisation|limits|breaches]
{portfolio:book} [vs|versus|against] {limit}
{portfolio:book} vs limits
""",
    bare="""
[the |a |][limit check|limits check|limit status|limit utilisation|limit usage|limit report|compliance status|limit headroom]
[the |][limit breaches|breaches|limit violations]
[the |][status|utilisation|usage] of {limit}
""",
    clauses="""
[does|did] {portfolio:book} [breach|exceed|violate|break|respect|comply with|meet|hit|go over|stay within|observe] {limit}?
[does|did] {portfolio:book} [breach|exceed|violate|break|respect|comply with|meet|hit|go over|stay within|observe] [its|the|any|any of its|all its|our|any of the] limits?
is {portfolio:book} [within|inside|under|below|over|above|in breach of|compliant with|close to|in line with|outside] {limit}?
is {portfolio:book} [within|inside|under|over|above|in breach of|compliant with|close to|in line with|outside] [its|the|all|our|any|all of its] limits?
is {portfolio:book} [compliant|in compliance|in breach|OK on limits|fine on limits|limit compliant|within limits|over limit]?
are [all|the|any] limits of {portfolio:book} [respected|breached|met|ok|kept|observed|exceeded|fine]?
are there [any |][breaches|limit breaches|limit violations|excesses|limits exceeded] [in|for|on] {portfolio:book}?
have [any |][limits been breached|we breached a limit|we broken any limits] [in|on|for] {portfolio:book}?
[check|test|verify|run|control] [the |][limits|limit compliance] [of|for|on|in] {portfolio:book}
[check|test|verify|control] {portfolio:book} against [its|the|all|our] limits
[check|test|verify] {portfolio:book} against {limit}
[check|verify|test] {limit} [of|for|on|in] {portfolio:book}
[check|verify|confirm] [that|whether|if] {portfolio:book} is [within|inside|under] {limit}
[check|verify|confirm] [that|whether|if] {portfolio:book} is [within|inside|under|respecting] [its|the|all] limits
[run|do|perform|make] a [limit|limits|compliance] check [on|for] {portfolio:book}[ for {limit}|]
which limits [does|did] {portfolio:book} [breach|exceed|violate|break]?
which limits of {portfolio:book} are [breached|exceeded|close to being breached|at risk]?
how [close|near] is {portfolio:book} to {limit}?
how [close|near] is {portfolio:book} to [its|the|any] limits?
how much [headroom|room|slack] [does|is there in] {portfolio:book} [have|] [under|against] {limit}?
[can|do] we still trade in {portfolio:book} or are the limits [full|used up|breached]?
how much of {limit} [does|is] {portfolio:book} [use|using|used]?
any [breaches|limit breaches|violations|limit issues|limit problems] in {portfolio:book}?
any [breach|problem|issue] with {limit} in {portfolio:book}?
{portfolio:book}: [limits ok|limit check|any breaches|within limits|breach]?
limit check {portfolio:book}
limits {portfolio:book} {limit}
{portfolio:book} {limit}?
is {limit} of {portfolio:book} [breached|respected|ok|exceeded|kept]?
has {portfolio:book} [breached|exceeded|gone over|hit|broken] {limit}?
has {portfolio:book} [breached|exceeded|gone over|hit|broken] [its|any|the] limits?
[are we|we are] [within|in breach of|compliant with] [the |our |]limits [in|on|for] {portfolio:book}?
do a compliance check [of|on|for] {portfolio:book}
is {portfolio:book} too [risky|big|concentrated] for {limit}?
where does {portfolio:book} stand against [its|the] limits?
is the {limit:measure} of {portfolio:book} [within|inside|below|above|over|under] [its|the] limit?
does the {limit:measure} of {portfolio:book} [breach|exceed|respect|break] [its|the] limit?
is {portfolio:book}'s {limit:measure} [within|over|above|inside] [its|the] limit?
""",
    functions="limit_check check_limits limitCheck limits compliance_check",
    heads="""
limit check
limit status
limit utilisation
limit usage
""",
)

_BIG = "[large|large|big|concentrated|significant|oversized|biggest]"
LARGE_EXPOSURES = phrases(
    "portfolio",
    nouns=f"""
[the |]{_BIG} [exposures|exposures|positions|concentrations] [of|in|for] {{portfolio:book}}
[the |][large exposures|large positions|concentrations|concentrated positions] [of|in] {{portfolio:book}} [above|over|exceeding|greater than|beyond|larger than] {{threshold}}
[the |all |][positions|holdings|names|exposures|lines|stocks] [of|in] {{portfolio:book}} [above|over|exceeding|larger than|that exceed|bigger than|of more than|worth more than|>] {{threshold}}[ of NAV| of its value| of the book| of the total|]
[the |][large exposure|concentration] [report|list|check|table|overview] [of|for|on] {{portfolio:book}}
{{portfolio:book}} [large exposures|concentrations|concentration risk|large positions]
{{portfolio:book}}'s [large exposures|concentrations|concentrated positions|largest exposures]
{{portfolio:book}} [positions|names|holdings] [above|over|>] {{threshold}}
""",
    bare="""
[the |][large exposures|large positions|concentrations|concentrated positions]
[the |][large exposures|positions|names|holdings] [above|over|exceeding|larger than|of more than] {threshold}
[the |][large exposure|concentration] [report|list|check]
""",
    clauses="""
which [positions|holdings|names|stocks|exposures|lines|instruments|issuers] [of|in] {portfolio:book} [exceed|are above|are over|are larger than|are bigger than|make up more than|are more than|account for more than|represent more than|weigh more than] {threshold}[ of the book| of its value| of NAV| of the total| of the book's value|]?
which [positions|holdings|names] [of|in] {portfolio:book} are [too large|large exposures|too big|concentrated|oversized]?
[are there|do we have|is there] [any |][positions|position|names|exposures|exposure|concentrations|single name] [in|of] {portfolio:book} [above|over|exceeding|larger than|of more than] {threshold}?
[are there|do we have] [any |][large exposures|concentrations|concentrated positions|large positions] in {portfolio:book}?
does {portfolio:book} have [any |][large exposures|concentrations|position|positions] [above|over|exceeding|larger than] {threshold}?
does any [position|name|holding|stock] [in|of] {portfolio:book} [exceed|make up more than|weigh more than] {threshold}[ of its value| of the book| of NAV|]?
[list|show|find|give me|report|identify|flag] [the |all |any |][large exposures|concentrations|large positions|concentrated positions|big positions] [of|in] {portfolio:book}
[list|show|find|give me|report|identify|flag] [the |all |any |][positions|holdings|names|exposures|stocks] [of|in] {portfolio:book} [above|over|exceeding|bigger than|larger than|worth more than|with more than] {threshold}[ of its value| of NAV| of the book|]
what are the [large exposures|largest exposures|concentrations|big positions|biggest concentrations] [of|in] {portfolio:book}?
what are the large exposures of {portfolio:book} [at|with|using] a {threshold} threshold?
[large exposures|concentration|large exposure report], {portfolio:book}, {threshold}
{portfolio:book}: large exposures[ above {threshold}| > {threshold}|]
large exposures {portfolio:book} {threshold}
how concentrated is {portfolio:book}? [anything|any name|any position] [above|over] {threshold}?
is {portfolio:book} concentrated[ in any name above {threshold}|]?
where is {portfolio:book} concentrated?
[anything|any name|any position|any single name] [above|over|bigger than] {threshold} in {portfolio:book}?
what [in|inside] {portfolio:book} is [bigger|larger|more] than {threshold} of the [book|total|value|NAV]?
run [a |the |]large exposure [check|report|test] [on|for] {portfolio:book}[ with {threshold}| at {threshold}|]
who are the big names in {portfolio:book} above {threshold}?
which single names in {portfolio:book} go beyond {threshold}?
""",
    functions="large_exposures largeExposures concentration concentrations big_positions",
    heads="""
large exposures
large exposures above {threshold}
concentrations
large positions
""",
)

_POS = "[positions|positions|holdings|holdings|contents|constituents|inventory|composition|content|trades|securities]"
POSITIONS = phrases(
    "portfolio",
    nouns=f"""
[the |all |]{_POS} [of|in] {{portfolio:book}}
[the |all |]{_POS} [of|in] {{portfolio:book}}
[a |the |][list|overview|table|summary|listing|breakdown] of [all |the |]{_POS} [of|in] {{portfolio:book}}
[the |][position|holdings] [list|report|overview|statement|table] [of|for] {{portfolio:book}}
{{portfolio:book}} [positions|holdings|position list|contents]
{{portfolio:book}}'s [positions|holdings|contents|constituents]
""",
    bare="""
[the |all |][positions|holdings|contents|constituents]
[the |][position|holdings] [list|report|overview]
[a |the |]list of [all |the |]positions
""",
    clauses="""
what [is|'s] in {portfolio:book}?
what's inside {portfolio:book}?
what [does|did] {portfolio:book} [hold|own|contain|consist of|include|have in it]?
what do we [hold|own|have] in {portfolio:book}?
what [positions|holdings|stocks|instruments|securities|names] [are|do we have|does one find] in {portfolio:book}?
what [positions|holdings|stocks|instruments] does {portfolio:book} [have|hold|contain]?
which [positions|holdings|stocks|instruments|names|securities|shares] [are in|make up|does one hold in|sit in] {portfolio:book}?
which [positions|stocks|instruments|securities] does {portfolio:book} [have|hold|own]?
[list|show|display|print|give me|get|pull up|open] [the |all |all the |me the |][positions|holdings|contents] [of|in] {portfolio:book}
[list|show|display|print|open] {portfolio:book}
[show me|open|display|let me see] {portfolio:book}
[what's|what is] {portfolio:book} [made of|made up of|composed of|holding|invested in]?
positions {portfolio:book}
holdings {portfolio:book}
{portfolio:book}: [positions|holdings|what's in it|what do we hold]?
what are we holding in {portfolio:book}?
what have we got in {portfolio:book}?
how many [shares|positions|contracts|lines] [are|do we have] in {portfolio:book}?
tell me what {portfolio:book} [holds|contains|owns|is made of]
[dump|export|read out] {portfolio:book}
[list|name|enumerate] everything in {portfolio:book}
what is {portfolio:book} invested in?
""",
    functions="positions holdings get_positions list_positions portfolio",
    heads="""
positions
holdings
position list
""",
)
