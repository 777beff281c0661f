"""Phrases for prices, price changes, volatility, correlation, beta, drawdown."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.phrase_types import phrases

_PX = (
    "[price|price|closing price|close|closing level|last price|share price|stock price|quote|level|market price|"
    "closing quote|settlement price|closing value|spot price|px]"
)
PRICE = phrases(
    "instrument",
    nouns=f"""
[the |]{_PX} [of|for] {{instrument}}
[the |]{_PX} [of|for|on] {{instrument}}
[the |]{_PX} [of|for] {{instrument}} [on|as of|at|for] {{as_of}}
{{instrument}} {_PX}
{{instrument}}'s {_PX}
{{instrument}}'s {_PX} [on|as of|at] {{as_of}}
{{as_of}} {_PX} [of|for] {{instrument}}
{_PX} {{instrument}} {{as_of}}
{_PX}, {{instrument}}
""",
    bare=f"""
[the |]{_PX}
[the |]{_PX} [on|as of|at] {{as_of}}
""",
    clauses=f"""
what did {{instrument}} close at[ on {{as_of}}| {{as_of}}|]?
[where|at what price|at what level] did {{instrument}} [close|trade|finish|end|settle]{" [on {as_of}|at {as_of}|]"}?
how much [is|was] {{instrument}}[ on {{as_of}}| {{as_of}}|]?
how much [is|was] {{instrument}} worth[ on {{as_of}}| {{as_of}}|]?
how much [does|did] {{instrument}} cost[ on {{as_of}}| {{as_of}}|]?
how much [does|did] [a|one] share of {{instrument}} cost[ on {{as_of}}|]?
what [is|was] [a|one] share of {{instrument}} worth[ on {{as_of}}|]?
what's {{instrument}} [trading at|at|worth|going for|quoted at|priced at]?
what was {{instrument}} [trading at|at|worth|going for|quoted at] [on|at|as of] {{as_of}}?
where [is|was|did] {{instrument}} [trade|trading|at|now|on {{as_of}}|{{as_of:today}}]?
[quote|price] {{instrument}}
[quote|price] [for|on] {{instrument}}
[get|show|look up|fetch|find|check] {_PX} [of|for] {{instrument}}
{{instrument}} [on|at|as of] {{as_of}}?
{{instrument}} close {{as_of}}
{{instrument}} {{as_of}} close
last {{instrument}} [close|price|quote]
{{instrument}}, {{as_of}}: {_PX}?
{{instrument}} quote
on {{as_of}}, [where did|what did] {{instrument}} close[ at|]?
how did {{instrument}} close[ on {{as_of}}| {{as_of}}|]?
which price did {{instrument}} [have|close at|show] [on|at] {{as_of}}?
at what price could I have [bought|sold] {{instrument}} on {{as_of}}?
not the change, just the {_PX} of {{instrument}}
{{instrument}} at the close of {{as_of:calendar}}?
""",
    functions="price get_price close px quote last_price",
    heads="""
price
closing price
close
""",
)

_WHEN = (
    "[from {start} to {end}|between {start} and {end}|since {start}|over {start:period}|in {start:period}|"
    "{start:relative}|during {start:period}|from {start} until {end}|from {start} through {end}|{start} to {end}]"
)
_CHG = (
    "[change|price change|return|performance|move|price move|percentage change|price return|total return|% change|"
    "gain|percent change|movement|pct change|perf|development]"
)
PRICE_CHANGE = phrases(
    "instrument",
    nouns=f"""
[the |]{_CHG} [of|in|for] {{instrument}} {_WHEN}
[the |]{_CHG} [of|in|for] {{instrument}} {_WHEN}
[the |]{_CHG} [of|in|for] {{instrument}} {_WHEN}
[the |]change in [the price of |]{{instrument}} {_WHEN}
{{instrument}}'s {_CHG} {_WHEN}
{{instrument}} {_CHG} {_WHEN}
[the |]{{start:relative}} {_CHG} [of|for] {{instrument}}
{_CHG} {_WHEN}, {{instrument}}
{_CHG} {{instrument}} {{start}} - {{end}}
[the |]{{start:period}} [return|performance] of {{instrument}}
""",
    bare=f"""
[the |]{_CHG} {_WHEN}
[the |]{{start:relative}} {_CHG}
{_CHG} {{start}} to {{end}}
""",
    clauses=f"""
how much [did|has|have] {{instrument}} [move|moved|rise|risen|fall|fallen|gain|gained|lose|lost|change|changed|drop|dropped|climb|rally|returned|go up|gone up|go down] {_WHEN}?
by how much did {{instrument}} [move|rise|fall|gain|lose|change|drop|climb|rally] {_WHEN}?
how [did|has] {{instrument}} [do|done|perform|performed|develop|move|fare] {_WHEN}?
what did {{instrument}} [do|return|gain|lose] {_WHEN}?
is {{instrument}} [up or down|higher or lower|up|down] {_WHEN}[? by how much?|?]
how [far|much] is {{instrument}} [up|down] {_WHEN}?
what percentage [did|has] {{instrument}} [gain|gained|lose|lost] {_WHEN}?
[between|from] {{start}} [and|to] {{end}}[,|] how did {{instrument}} [do|move|perform]?
since {{start}}, how [has|did] {{instrument}} [moved|performed|do|done]?
over {{start:period}}, how much did {{instrument}} [move|gain|change]?
{{instrument}} {{start}} to {{end}}
{{instrument}} [since|change since|up or down since] {{start}}
{{instrument}}: {_CHG}, {{start}} to {{end}}
{{instrument}} {{start:relative}} [return|performance|change]
[compute|calculate|show|get] {_CHG} [of|for] {{instrument}} {_WHEN}
did {{instrument}} [rise|fall|go up|go down|gain] {_WHEN}[? how much?|?]
how much would {{instrument}} have [returned|made me in percent|gained] {_WHEN}?
not the price, the change [in|of] {{instrument}} {_WHEN}
""",
    functions="price_change change return ret performance perf priceChange",
)

_VOL = (
    "[volatility|volatility|vol|vol|realised volatility|realized volatility|realised vol|historical volatility|"
    "historical vol|annualised volatility|annualized vol|price volatility|standard deviation of returns|hist vol|"
    "volatility of returns|sigma|realized vol]"
)
VOLATILITY = phrases(
    "instrument",
    nouns=f"""
[the |]{_VOL} [of|for|in|on] {{instrument}}
[the |]{_VOL} [of|for] {{instrument}}
[the |]{{window:stretch}} {_VOL} [of|for|on] {{instrument}}
[the |]{_VOL} [of|for] {{instrument}} [over|in|for] {{window:span}}
{{instrument}} {_VOL}
{{instrument}}'s {_VOL}
{{instrument}}'s {{window:stretch}} {_VOL}
{{instrument}} {{window:stretch}} {_VOL}
{_VOL} {{instrument}} {{window}}
{_VOL}, {{instrument}}, {{window}}
""",
    bare=f"""
[the |]{_VOL}
[the |]{{window:stretch}} {_VOL}
[the |]{_VOL} over {{window:span}}
""",
    clauses=f"""
how volatile [is|was|has|have] {{instrument}}[ been|][ over {{window:span}}|]?
how much does {{instrument}} [swing|fluctuate|bounce around|vary|move around][ over {{window:span}}|]?
how [choppy|jumpy|wild|nervous|calm|stable|noisy] [is|was] {{instrument}}[ over {{window:span}}|]? [vol|volatility], please
[compute|calculate|estimate|show|get] {_VOL} [of|for] {{instrument}}
what {_VOL} [does|did] {{instrument}} [have|show|run at|realise|realize]?
{{instrument}}: {_VOL}, {{window}}
{{instrument}} vol {{window}}
vol {{instrument}}
over {{window:span}}, how volatile was {{instrument}}?
what has the {_VOL} of {{instrument}} been over {{window:span}}?
not the drawdown, the {_VOL} of {{instrument}}
how large are the [daily swings|price swings|fluctuations] of {{instrument}}[ over {{window:span}}|]?
what is the standard deviation of {{instrument}}[ over {{window:span}}|]?
at what vol [does|did] {{instrument}} trade[ over {{window:span}}|]?
""",
    functions="vol volatility realised_vol sigma get_vol stdev",
    heads="""
volatility
vol
realised volatility
realized vol
""",
)

_CORR = "[correlation|correlation|corr|correlation coefficient|Pearson correlation|co-movement|correl|return correlation|corr.]"
_TWO = (
    "[between {first} and {second}|between {first} and {second}|of {first} and {second}|of {first} with {second}|"
    "of {first} to {second}|of {first} vs {second}|for {first} and {second}|of {first} versus {second}|for {first} / {second}]"
)
CORRELATION = phrases(
    "first",
    nouns=f"""
[the |]{_CORR} {_TWO}
[the |]{_CORR} {_TWO}
[the |]{{window:stretch}} {_CORR} {_TWO}
[the |]{_CORR} {_TWO} over {{window:span}}
{{first}} {{second}} {_CORR}
{{first}}/{{second}} {_CORR}
{{first}} vs {{second}} {_CORR}
{{first}} - {{second}} {_CORR}
{{first}}'s {_CORR} [with|to|against] {{second}}
{_CORR}, {{first}}, {{second}}
{_CORR} {{first}} {{second}}
{_CORR} {{first}} vs {{second}} {{window}}
[the |]co-movement {_TWO}
""",
    bare=f"[the |]{_CORR} {_TWO}",
    clauses=f"""
how [correlated|strongly correlated|closely correlated|closely linked|related] [are|were] {{first}} and {{second}}[ over {{window:span}}|]?
how [correlated|strongly correlated|closely linked] [is|was] {{first}} [with|to] {{second}}[ over {{window:span}}|]?
[do|did] {{first}} and {{second}} [move together|co-move|go hand in hand|move in step|move in tandem][ over {{window:span}}|]?
does {{first}} [move with|follow|track|co-move with|go with] {{second}}? [correlation, please|what is the correlation|corr]?
how [closely|well|strongly] does {{first}} [track|follow|move with] {{second}}[ over {{window:span}}|]?
[compute|calculate|estimate|show|get|check|find] [the |]{_CORR} {_TWO}
correlate {{first}} [with|and|to|against] {{second}}
{{first}} and {{second}}: {_CORR}[, {{window}}|]?
what {_CORR} do {{first}} and {{second}} [have|show]?
take {{first}} and {{second}}. [how correlated are they|what is their correlation|correlation]?
is {{first}} [correlated with|a diversifier for|independent of] {{second}}? [correlation?|what's the correlation?]
over {{window:span}}, how [correlated|linked] were {{first}} and {{second}}?
does {{first}} diversify {{second}}? show the correlation
""",
    functions="corr correlation correl get_corr pearson",
)

_BETA = "[beta|beta|beta coefficient|market beta|equity beta|beta factor|regression beta|CAPM beta|stock beta]"
BETA = phrases(
    "instrument",
    nouns=f"""
[the |]{_BETA} [of|for] {{instrument}}
[the |]{_BETA} [of|for] {{instrument}} [to|against|versus|vs|relative to|with respect to] {{benchmark}}
[the |]{_BETA} [of|for] {{instrument}} [to|against|versus|vs|on] {{benchmark}} over {{window:span}}
[the |]{{window:stretch}} {_BETA} [of|for] {{instrument}}
[the |]{{window:stretch}} {_BETA} [of|for] {{instrument}} [to|against|versus] {{benchmark}}
{{instrument}} {_BETA}
{{instrument}}'s {_BETA}
{{instrument}}'s {_BETA} [to|against|versus|vs|with] {{benchmark}}
{{instrument}} {_BETA} [to|vs|against] {{benchmark}}
{_BETA} {{instrument}} {{benchmark}}
{_BETA}, {{instrument}} vs {{benchmark}}
{_BETA} {{instrument}} vs {{benchmark}} {{window}}
""",
    bare=f"""
[the |]{_BETA}
[the |]{_BETA} [to|against|vs] {{benchmark}}
[the |]{{window:stretch}} {_BETA}
""",
    clauses=f"""
how sensitive is {{instrument}} to {{benchmark}}[ over {{window:span}}|]?
how [strongly|much] does {{instrument}} [react to|move with|respond to|depend on] {{benchmark}}?
if {{benchmark}} moves, how much does {{instrument}} move? beta, please
[compute|calculate|estimate|show|get] [the |]{_BETA} [of|for] {{instrument}}
[regress|run a regression of] {{instrument}} [on|against] {{benchmark}}[ and give me beta|: beta?|]
what {_BETA} does {{instrument}} have[ to {{benchmark}}| against {{benchmark}}|]?
{{instrument}}: {_BETA}[ vs {{benchmark}}| to {{benchmark}}|]?
is {{instrument}} a [high|low] beta [stock|name]? what is its beta?
does {{instrument}} have a [high|low] beta[ to {{benchmark}}|]?
what's {{instrument}}'s [market sensitivity|systematic risk|market risk (beta)][ to {{benchmark}}|]?
take {{instrument}}. what is its beta[ to {{benchmark}}|]?
how defensive is {{instrument}}? [beta|its beta][ to {{benchmark}}|]?
not the correlation, the beta of {{instrument}} to {{benchmark}}
""",
    functions="beta get_beta calc_beta market_beta",
    heads="""
beta
market beta
""",
)

_DD = (
    "[maximum drawdown|max drawdown|max drawdown|drawdown|drawdown|maxDD|max DD|DD|MDD|peak-to-trough loss|"
    "peak to trough decline|worst drawdown|largest drawdown|biggest drawdown|peak-to-trough fall|maximum draw-down]"
)
DRAWDOWN = phrases(
    "instrument",
    nouns=f"""
[the |]{_DD} [of|for|in|on] {{instrument}}
[the |]{_DD} [of|for|in|on] {{instrument}} [since {{start}}|from {{start}} to {{end}}|between {{start}} and {{end}}|in {{start:period}}|over {{start:period}}|{{start:relative}}]
{{instrument}} {_DD}
{{instrument}}'s {_DD}
{{instrument}}'s {_DD} [since {{start}}|in {{start:period}}|between {{start}} and {{end}}]
{{instrument}} {_DD} [since {{start}}|{{start}} to {{end}}|{{start:period}}]
{_DD} {{instrument}} {{start}} {{end}}
{_DD}, {{instrument}}
the [worst|largest|deepest|biggest] [loss|decline|fall|drop] [from peak to trough|from a peak|from the top] [of|in] {{instrument}}
""",
    bare=f"""
[the |]{_DD}
[the |]{_DD} [since {{start}}|from {{start}} to {{end}}|in {{start:period}}]
""",
    clauses=f"""
how [deep|large|bad|big] [was|is] the {_DD} [of|in] {{instrument}}[ since {{start}}| in {{start:period}}|]?
how far did {{instrument}} fall from [its|the] [peak|high|top][ since {{start}}| in {{start:period}}| between {{start}} and {{end}}|]?
how much did {{instrument}} lose [from peak to trough|peak to trough|from top to bottom][ since {{start}}| in {{start:period}}| from {{start}} to {{end}}|]?
what was the [worst|largest|biggest|deepest] [fall|loss|decline|drop] from [a|the|its] [peak|high] [of|in|for] {{instrument}}[ since {{start}}| in {{start:period}}| between {{start}} and {{end}}|]?
what {_DD} did {{instrument}} [have|suffer|experience|see|go through][ since {{start}}| in {{start:period}}| between {{start}} and {{end}}|]?
[compute|calculate|show|get] {_DD} [of|for] {{instrument}}
{{instrument}}: {_DD}[ since {{start}}|, {{start}} to {{end}}|]
since {{start}}, what was the {_DD} [of|in] {{instrument}}?
from {{start}} to {{end}}, how far did {{instrument}} drop from its high?
over {{start:period}}, what was {{instrument}}'s {_DD}?
what's the worst you could have lost holding {{instrument}}[ since {{start}}| in {{start:period}}|]? drawdown, please
not volatility, the {_DD} of {{instrument}}
worst peak-to-trough in {{instrument}}[ since {{start}}| over {{start:period}}|]?
""",
    functions="drawdown max_drawdown maxDrawdown mdd max_dd",
    heads="""
maximum drawdown
max drawdown
drawdown
""",
)
