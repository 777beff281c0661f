"""Phrases for value at risk, expected shortfall, stress, exposure, profit and loss."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.phrase_types import phrases

_VAR = "[VaR|VaR|VaR|value at risk|value-at-risk|Value at Risk|VAR|var|V@R|value at risk figure|VaR number]"
_ES = (
    "[ES|ES|expected shortfall|expected shortfall|CVaR|CVaR|conditional VaR|conditional value at risk|"
    "expected tail loss|ETL|tail VaR|TVaR|average tail loss|mean tail loss|Expected Shortfall|cvar|AVaR|"
    "average value at risk|mean loss beyond VaR|average loss beyond the VaR|mean excess loss]"
)
_OF = "[of|of|for|on|in]"

VALUE_AT_RISK = phrases(
    "portfolio",
    nouns=f"""
[the |]{_VAR} {_OF} {{portfolio}}
[the |a |]{{horizon:adjective}} {{confidence:level}} {_VAR} {_OF} {{portfolio}}
[the |]{{confidence:level}} {{horizon:adjective}} {_VAR} {_OF} {{portfolio}}
[the |]{{confidence:level}} {_VAR} {_OF} {{portfolio}}
[the |]{{horizon:adjective}} {_VAR} {_OF} {{portfolio}}
[the |]{{method}} {_VAR} {_OF} {{portfolio}}
[the |]{{horizon:adjective}} {{method}} {_VAR} {_OF} {{portfolio}} at {{confidence}}
[the |]{{method}} {{confidence:level}} {_VAR} {_OF} {{portfolio}}
{{portfolio}} {_VAR}
[the |]{{confidence:level}}[/| / |, |-]{{horizon:adjective}} {_VAR} {_OF} {{portfolio}}
[the |]{{horizon:adjective}}[/| / |, ]{{confidence:level}} {_VAR} {_OF} {{portfolio}}
{{portfolio}}'s {_VAR}
{{portfolio}}'s {{confidence:level}} {_VAR}
{{portfolio}} {{horizon:adjective}} {_VAR}
{_VAR}, {{portfolio}}
{_VAR} {{confidence}} {{horizon}} {_OF} {{portfolio}}
{_VAR} {{confidence}} {{portfolio}}
[the |]{_VAR}{{confidence:level}} {_OF} {{portfolio}}
[the |]{_VAR} at {{confidence}} over {{horizon:noun}} {_OF} {{portfolio}}
[the |][maximum|worst|max] [loss|expected loss] [of|on] {{portfolio}} with {{confidence:level}} confidence
[the |]loss threshold of {{portfolio}} at {{confidence}} [confidence|]
the loss that {{portfolio}} will not exceed with {{confidence:level}} [confidence|probability]
the {{confidence:level}} loss quantile of {{portfolio}}
[the |]{{horizon:adjective}} risk figure (VaR) [of|for] {{portfolio}}
""",
    bare=f"""
[the |]{_VAR}
[the |]{{confidence:level}} {_VAR}
[the |]{{horizon:adjective}} {_VAR}
[the |]{{horizon:adjective}} {{confidence:level}} {_VAR}
[the |]{{confidence:level}} {{horizon:adjective}} {_VAR}
[the |]{{method}} {_VAR}
{_VAR} at {{confidence}}
{_VAR} over {{horizon:noun}}
[the |]{{method}} {{confidence:level}} {_VAR}
{_VAR} {{confidence}} {{horizon}}
""",
    clauses=f"""
how much [could|can|might|may|would] {{portfolio}} lose [over|in|within] {{horizon:noun}} [with|at] {{confidence:level}} [confidence|probability|certainty]?
how much [could|can|might|may] we lose [on|with|in] {{portfolio}} [over|in|within] {{horizon:noun}} [with|at] {{confidence}}?
how much [could|can|might] {{portfolio}} lose at {{confidence}}[ confidence|]?
with {{confidence:level}} confidence, how much [could|can|might] {{portfolio}} lose over {{horizon:noun}}?
what loss [on|of|in] {{portfolio}} will not be exceeded with {{confidence:level}} [confidence|probability|certainty]?
what loss should we not exceed on {{portfolio}} {{confidence:level}} of the time?
[compute|calculate|run|get|do|estimate|show] {_VAR} [for|on|of] {{portfolio}}[ at {{confidence}}|]
[run|do] [a |]{{method}} {_VAR} [for|on] {{portfolio}}
[run|do|make] a {_VAR} [calculation|run|analysis] [for|on] {{portfolio}}[ with {{method}}|]
what {_VAR} does {{portfolio}} [have|show|run|carry]?
what does {{portfolio}} stand to lose at {{confidence}} over {{horizon:noun}}?
how risky is {{portfolio}} in terms of {_VAR}?
how risky is {{portfolio}}?
[what is|what's] [the|our|my] [risk|market risk|downside risk] [of|on|in] {{portfolio}}[ at {{confidence}}| over {{horizon:noun}}|]?
how much risk [is there|do we run|are we running|do I have] [in|on|with] {{portfolio}}[ at {{confidence}}| over {{horizon:noun}}|]?
what is the most {{portfolio}} [can|could] lose [over|in] {{horizon:noun}} [with|at] {{confidence:level}} confidence?
what's the [worst|biggest|maximum] loss on {{portfolio}} at {{confidence:level}} confidence[ over {{horizon:noun}}|]?
[I|we] hold {{portfolio}}. what is [the|my|our] {_VAR}[ at {{confidence}}|]?
if [I|we] [hold|buy|own] {{portfolio}}, what [is|would be] [the|my|our] {_VAR}?
give me a {{confidence:level}} confidence loss bound for {{portfolio}} over {{horizon:noun}}
{{portfolio}}: {_VAR}, {{confidence}}, {{horizon}}
{{portfolio}} {_VAR} {{horizon}} {{confidence}} {{method}}
{{portfolio}} | {_VAR} | {{confidence}} | {{horizon}}
{_VAR} / {{portfolio}} / {{confidence}}
{_VAR} {{portfolio}} {{confidence}} {{horizon}}
{_VAR} {{portfolio}}
not ES, just the {_VAR} of {{portfolio}}
[I want|I mean] [the VaR|VaR], not the [ES|expected shortfall], of {{portfolio}}
at what loss does the {{confidence:level}} tail of {{portfolio}} begin?
where does the {{confidence:level}} tail of {{portfolio}} start?
how bad can [a day|things|it] get for {{portfolio}} at {{confidence}}? VaR please
put a number on the [market risk|downside|risk] of {{portfolio}}: {_VAR}[ at {{confidence}}|]
what is at risk in {{portfolio}} over {{horizon:noun}} at {{confidence}}?
""",
    functions="var VaR value_at_risk valueAtRisk calc_var get_var risk.var VAR",
    heads="""
VaR
VaR
value at risk
value-at-risk
var
""",
)

EXPECTED_SHORTFALL = phrases(
    "portfolio",
    nouns=f"""
[the |]{_ES} {_OF} {{portfolio}}
[the |a |]{{horizon:adjective}} {{confidence:level}} {_ES} {_OF} {{portfolio}}
[the |]{{confidence:level}} {{horizon:adjective}} {_ES} {_OF} {{portfolio}}
[the |]{{confidence:level}} {_ES} {_OF} {{portfolio}}
[the |]{{horizon:adjective}} {_ES} {_OF} {{portfolio}}
[the |]{{method}} {_ES} {_OF} {{portfolio}}
[the |]{{method}} {{confidence:level}} {_ES} {_OF} {{portfolio}}
{{portfolio}} {_ES}
[the |]{{confidence:level}}[/| / |, ]{{horizon:adjective}} {_ES} {_OF} {{portfolio}}
{{portfolio}}'s {_ES}
{{portfolio}}'s {{confidence:level}} {_ES}
{_ES}, {{portfolio}}
{_ES} {{confidence}} {{horizon}} {_OF} {{portfolio}}
[the |]{_ES} at {{confidence}} over {{horizon:noun}} {_OF} {{portfolio}}
the [average|mean] of the losses [worse than|beyond|above|exceeding|larger than|past] [the |]{{confidence:level}} VaR [of|for|on] {{portfolio}}
the [average|mean|expected] loss [beyond|above|past|exceeding|worse than] [the VaR|VaR|value at risk] [of|for|on] {{portfolio}}
the [average|mean] of the losses beyond VaR for {{portfolio}}
the [average|mean] loss of {{portfolio}} in the worst [cases|days|scenarios|outcomes] at {{confidence}}
the expected loss of {{portfolio}} given that VaR is [exceeded|breached]
the [average|mean] tail loss of {{portfolio}}[ at {{confidence}}|]
the average of the worst losses of {{portfolio}}[ at {{confidence}}|]
""",
    bare=f"""
[the |]{_ES}
[the |]{{confidence:level}} {_ES}
[the |]{{horizon:adjective}} {_ES}
[the |]{{horizon:adjective}} {{confidence:level}} {_ES}
[the |]{{method}} {_ES}
{_ES} at {{confidence}}
{_ES} over {{horizon:noun}}
the [average|mean] of the losses [worse than|beyond] VaR
the average tail loss
""",
    clauses=f"""
how much does {{portfolio}} lose on average [when|if] [VaR is exceeded|the VaR is breached|losses exceed VaR|we are in the tail]?
if losses [go beyond|exceed] [the |]{{confidence:level}} VaR, what [is|would be] the average loss [on|of] {{portfolio}}?
what is the average loss of {{portfolio}} [beyond|past] the {{confidence:level}} [quantile|VaR|point|cut-off]?
how bad [is|are] the [tail|tail losses] of {{portfolio}} on average[ at {{confidence}}|]?
when things go wrong [for|with] {{portfolio}}, how much do we lose on average in the tail?
what should we expect to lose on {{portfolio}} in the {{confidence:level}} tail?
[given|in] the worst tail at {{confidence}}, what's the [mean|average] loss [of|on] {{portfolio}}?
[compute|calculate|run|get|do|estimate|show] {_ES} [for|on|of] {{portfolio}}[ at {{confidence}}|]
[run|do] [a |]{{method}} {_ES} [for|on] {{portfolio}}
what {_ES} does {{portfolio}} [have|show|run|carry]?
[I|we] hold {{portfolio}}. what is [the|my|our] {_ES}[ at {{confidence}}|]?
if [I|we] [hold|buy|own] {{portfolio}}, what [is|would be] [the|my|our] {_ES}?
{{portfolio}}: {_ES}, {{confidence}}, {{horizon}}
{{portfolio}} {_ES} {{horizon}} {{confidence}} {{method}}
{{portfolio}} | {_ES} | {{confidence}} | {{horizon}}
{_ES} / {{portfolio}} / {{confidence}}
{_ES} {{portfolio}} {{confidence}} {{horizon}}
{_ES} {{portfolio}}
not the VaR but the {_ES} of {{portfolio}}
not VaR, [I want |I need |give me |]the average beyond it for {{portfolio}}
what lies beyond the VaR [of|for] {{portfolio}} on average?
beyond the {{confidence:level}} VaR, what do we lose on average on {{portfolio}}?
how much [could|would] {{portfolio}} lose on average in the worst cases at {{confidence}}?
""",
    functions="es ES cvar CVaR expected_shortfall expectedShortfall etl calc_es risk.es",
    heads="""
ES
ES
expected shortfall
CVaR
expected tail loss
conditional VaR
""",
)

_DO = "[stress|stress|stress test|stress-test|shock]"
STRESS_TEST = phrases(
    "portfolio",
    nouns="""
[the |][loss|profit or loss|P&L|PnL|impact|result|effect|outcome|damage] [of|on|for] {portfolio} [under|in|in case of|given|with|from|during|in the event of] {scenario}
[the |a |]{scenario:named} [stress|stress test|stress loss|stress result|stress P&L|scenario result] [of|for|on] {portfolio}
[the |][stress|stress test|stress loss|stress P&L|stressed P&L|stress result|scenario loss|scenario P&L|scenario impact] [of|for|on] {portfolio} [under|in|with|for|using] {scenario}
{portfolio}'s [loss|P&L|result|stress loss] [under|in|with] {scenario}
{portfolio} [under|in|with] {scenario}
{portfolio} [stress|stress test|stressed P&L]: {scenario}
[the |][impact|effect] of {scenario} on {portfolio}
what {scenario} would [do to|mean for|cost] {portfolio}
{scenario} [stress|shock|scenario|impact] [for|on] {portfolio}
""",
    bare="""
[the |][loss|profit or loss|P&L|impact|stress loss|stress result] [under|in|given|with|from] {scenario}
[the |a |]{scenario:named} [stress|stress test|stress loss|scenario]
[the |][impact|effect] of {scenario}
""",
    clauses=f"""
{_DO} {{portfolio}} [with|under|for|using|by|against] {{scenario}}
[run|do|apply|perform|show me|give me] [a |the |]{{scenario:named}} [stress|stress test|scenario|shock] [on|for|to] {{portfolio}}
[run|put|take] {{portfolio}} through {{scenario}}
[apply|run] {{scenario}} [to|on] {{portfolio}}
[what|how much] would {{scenario}} [do to|cost|mean for] {{portfolio}}?
what [would|does] {{portfolio}} [lose|make|gain|lose or gain|earn] [in|under|in a repeat of|if we had|during|with] {{scenario:named}}?
how much [would|could|will|does|might] {{portfolio}} [lose|make|gain] [if|when|should|in case|assuming] {{scenario:clause}}?
how [would|does] {{portfolio}} [fare|do|behave|perform|hold up|react|look|survive|come out] [in|under|in a repeat of|with|during] {{scenario}}?
what [happens|would happen] to {{portfolio}} [if|when|should] {{scenario:clause}}?
[if|suppose|assume|imagine|say] {{scenario:clause}}[, what does|. what does|, what would] {{portfolio}} lose?
what if {{scenario:clause}}? [I mean for|Impact on|What about|Loss on] {{portfolio}}?
what if {{scenario}} [happened|happens|hit|came] again, how much [would|will] {{portfolio}} lose?
if {{scenario:named}} [happened again|came back|were to repeat|repeated itself|hit again|struck tomorrow], what would {{portfolio}} lose?
how much do we lose on {{portfolio}} [in|under] {{scenario}}?
take {{portfolio}}. what would {{scenario}} have done to it?
[take|consider|look at] {{portfolio}}. [now apply|run|apply|stress it with|hit it with] {{scenario}}
[scenario|stress]: {{scenario}}[, |; ][book|portfolio|position]: {{portfolio}}
scenario {{scenario}} on {{portfolio}}
{{scenario}}: {{portfolio}}?
{{portfolio}}, {{scenario}}: [loss|impact|P&L|what do we lose]?
{{portfolio}} stress {{scenario}}
stress {{portfolio}} {{scenario}}
repeat {{scenario:named}} for {{portfolio}}
simulate {{scenario}} [on|for] {{portfolio}}
shock [of|with] {{scenario:shock}} [on|to] {{portfolio}}
{{scenario:shock}}: what is the [loss|hit|impact|P&L] [on|for] {{portfolio}}?
under {{scenario}}, [what is the [loss|P&L|result] [of|on]|what happens to|how much is lost on] {{portfolio}}?
can {{portfolio}} [survive|withstand|take|handle|absorb] {{scenario}}? what is the loss?
how hard would {{scenario}} hit {{portfolio}}?
how did {{portfolio}} do in {{scenario:named}}?
how sensitive is {{portfolio}} to {{scenario:shock}}?
what is the hit [to|on] {{portfolio}} from {{scenario:shock}}?
replay {{scenario:named}} [on|for|with] {{portfolio}}
[worst case|crisis|crash] check: {{portfolio}} [in|under] {{scenario}}
""",
    functions="stress stress_test stressTest scenario shock run_scenario whatif",
    heads="""
{scenario:named} stress
""",
)

_EXP = "[exposure|exposure|exposures|breakdown|split|allocation|weights|weighting]"
EXPOSURE = phrases(
    "portfolio",
    nouns=f"""
[the |]{_EXP} of {{portfolio}} by {{by}}
[the |]{_EXP} by {{by}} [of|for|in] {{portfolio}}
[the |]{{by:dimension}} {_EXP} [of|for|in] {{portfolio}}
[the |]{_EXP} of {{portfolio}} [per|for each|broken down by|grouped by|split by|across] {{by}}
{{portfolio}} [exposure|breakdown|split] by {{by}}
{{portfolio}}'s {{by:dimension}} [exposure|exposures|breakdown|split]
{{portfolio}}'s exposure by {{by}}
[the |][exposure|exposures] [of|for] {{portfolio}}
[the |][net|gross|total] [exposure|exposures] [of|for] {{portfolio}}[ by {{by}}|]
the distribution of {{portfolio}} [across|over|by] {{by}}
""",
    bare="""
[the |][exposure|exposures|breakdown|split|allocation] by {by}
[the |]{by:dimension} [exposure|exposures|breakdown|split|allocation]
[the |][exposure|exposures]
""",
    clauses="""
break {portfolio} down by {by}
[break down|split|decompose|slice|group|show] {portfolio} by {by}
how is {portfolio} [split|distributed|allocated|diversified|spread|divided] [by|across|over] {by}?
[where|in which {by}] is {portfolio} exposed[ to|]?
what is {portfolio} exposed to[, by {by}|]?
which {by} is {portfolio} [most exposed to|exposed to|concentrated in]?
how much {by:dimension} [exposure|risk exposure] [does|do] [we have in|we run in|we carry in] {portfolio}?
how exposed [is|are we in] {portfolio} [per|by] {by}?
show [me |]what {portfolio} is exposed to by {by}
[show|list|give me] exposures [for|of] {portfolio} [per|by] {by}
what are the exposures [of|in] {portfolio}[ by {by}| per {by}|]?
{portfolio} by {by}
{portfolio} exposure {by}
exposure {portfolio} {by}
{portfolio}: {by} [exposure|breakdown|split]
exposures {portfolio}, {by}
look at {portfolio}. [how does it split|what is the exposure] by {by}?
how much of {portfolio} is in each {by}?
what's our exposure [in|from|through] {portfolio}?
what does {portfolio} look like by {by}?
[show|draw|make] a {by:dimension} breakdown of {portfolio}
aggregate {portfolio} by {by}
[what is|what's|how big is|how large is|show] the exposure of {portfolio} to [tech|the dollar|equities|energy|USD|banks|single names|the euro|health care|oil stocks]?
how exposed is {portfolio} to [tech|the dollar|equities|energy|USD|banks|single names|the euro|currencies]?
""",
    functions="exposure exposures get_exposure exposure_by breakdown",
    heads="""
exposure
exposures
exposure by {by}
{by:dimension} exposure
""",
)

_PNL = "[P&L|P&L|PnL|profit and loss|pnl|P/L|p&l|profit or loss|result|gain or loss|trading result|PNL|P and L]"
_WHEN = (
    "[from {start} to {end}|between {start} and {end}|since {start}|over {start:period}|in {start:period}|"
    "{start:relative}|for {start:period}|from {start} until {end}|from {start} through {end}|{start} to {end}]"
)
PROFIT_AND_LOSS = phrases(
    "portfolio",
    nouns=f"""
[the |]{_PNL} [of|for|on] {{portfolio}} {_WHEN}
[the |]{_PNL} [of|for|on] {{portfolio}} {_WHEN}
[the |]{_PNL} [of|for|on] {{portfolio}} {_WHEN}
{{portfolio}}'s {_PNL} {_WHEN}
{{portfolio}} {_PNL} {_WHEN}
[the |]{{start:relative}} {_PNL} [of|for|on] {{portfolio}}
the [profit|gain|loss|money made|money lost] on {{portfolio}} {_WHEN}
the change in value of {{portfolio}} {_WHEN}
the value change of {{portfolio}} {_WHEN}
{_PNL} {_WHEN}, {{portfolio}}
{_PNL} {{portfolio}} {{start}} - {{end}}
{_PNL} {{portfolio}} {{start}} {{end}}
""",
    bare=f"""
[the |]{_PNL} {_WHEN}
[the |]{{start:relative}} {_PNL}
the change in value {_WHEN}
{_PNL} {{start}} to {{end}}
""",
    clauses=f"""
how much [did|has|have] {{portfolio}} [make|made|lose|lost|earn|earned|gain|gained|return] {_WHEN}?
how much [money |]did we [make|lose|earn|make or lose] [on|with|in|from] {{portfolio}} {_WHEN}?
how did {{portfolio}} [do|perform|fare|end up] {_WHEN}? [in dollars|in money terms|P&L wise|I mean P&L|the P&L, please]
what did {{portfolio}} [make|earn|lose|return in money|bring in|cost us] {_WHEN}?
what did we [make|lose|earn] on {{portfolio}} {_WHEN}?
[show|compute|calculate|get|report|give me] {_PNL} [of|for|on] {{portfolio}} {_WHEN}
did {{portfolio}} make [money|a profit|or lose money] {_WHEN}[? how much?|?]
was {{portfolio}} [up or down|profitable|in the black|making money] {_WHEN}? by how much?
is {{portfolio}} up or down since {{start}}?
[between|from] {{start}} [and|to] {{end}}[,|] [how much|what] did {{portfolio}} [make|lose|earn]?
since {{start}}, [how much has {{portfolio}} made|what has {{portfolio}} earned|what is the {_PNL} of {{portfolio}}]?
over {{start:period}}, what was the {_PNL} [of|on] {{portfolio}}?
[what did|how much did] {{portfolio}} gain in value {_WHEN}?
take {{portfolio}}. what is the {_PNL} {_WHEN}?
{{portfolio}}: {_PNL}, {{start}} to {{end}}
{{portfolio}} {_PNL} since {{start}}
{{portfolio}} {{start:relative}} {_PNL}
{_PNL} {{portfolio}} {{start:relative}}
had [I|we] held {{portfolio}} {_WHEN}, what would the {_PNL} be?
if I had bought {{portfolio}} on {{start}} and sold [it |them |]on {{end}}, what would I have made?
""",
    functions="pnl PnL profit_and_loss profitAndLoss pl get_pnl",
    heads="",
)
