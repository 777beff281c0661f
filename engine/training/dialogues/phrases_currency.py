"""Phrases for exchange rates and currency conversion."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.phrase_types import phrases

# An amount with its currency: the amount is one span, the currency another.
_MONEY = (
    "[{amount} {from}|{amount} {from}|{amount} {from}|{from:code} {amount:digits}|{from:symbol}{amount:digits}|"
    "{from:symbol}{amount:digits}|{from:code}{amount:digits}|{amount} of {from}]"
)
CONVERT_CURRENCY = phrases(
    "amount",
    nouns=f"""
{_MONEY} [in|to|into] {{to}}
{_MONEY} [in|to|into] {{to}}
the [value|equivalent|worth|countervalue] of {_MONEY} in {{to}}
the {{to}} [value|equivalent|amount] of {_MONEY}
[the |]conversion of {_MONEY} [to|into] {{to}}
{_MONEY} [=|->|=>|>] {{to}}
{_MONEY} [converted|exchanged|translated|expressed] [to|into|in] {{to}}
""",
    bare=f"{_MONEY} in {{to}}",
    clauses=f"""
convert {_MONEY} [to|into|in] {{to}}
convert {_MONEY} [to|into|in] {{to}}
[change|exchange|translate|turn|switch|express|swap|transform] {_MONEY} [to|into|in|for] {{to}}
how [much|many] {{to}} [is|are|do I get for|do we get for|would I get for|can I buy with|does one get for|make|will I receive for] {_MONEY}?
how much [is|are|was|would be] {_MONEY} [in|worth in] {{to}}?
what [is|are|was|would be] {_MONEY} [in|worth in|in terms of] {{to}}?
what [is|are] {_MONEY} [to|into] {{to}}?
what do I get in {{to}} for {_MONEY}?
what does {_MONEY} [come to|make|amount to|correspond to] in {{to}}?
[give me|show me|tell me|I need] {_MONEY} in {{to}}
[I|we] [have|received|got|owe|paid|sold something for] {_MONEY}. [how much is that in|what is that in|what's that in|convert to|in] {{to}}?
[I|we] need [to buy|to convert|to change|to pay] {_MONEY}[. what is that in|, how much is it in] {{to}}?
we have an invoice [of|over|for] {_MONEY}, what is it in {{to}}?
in {{to}}, how much is {_MONEY}?
in {{to}}, what [is|are] {_MONEY} [worth|]?
{_MONEY} {{to}}
{_MONEY} to {{to}}
{_MONEY} in {{to}} please
{{from}} to {{to}}, {{amount}}
from {{from}} to {{to}}: {{amount}}
convert from {{from}} to {{to}}: {{amount}}
how many {{to}} for {{amount}} {{from}}?
if I exchange {_MONEY}, how many {{to}} do I get?
[price|value] {_MONEY} in {{to}}
""",
    functions="convert convert_currency fx_convert convertCurrency to_ccy exchange",
)

_RATE = (
    "[exchange rate|exchange rate|FX rate|FX rate|rate|fx rate|currency rate|spot rate|spot|FX|fx|conversion rate|"
    "price|quote|level|close|fixing|ECB rate|reference rate|forex rate|cross rate]"
)
FX_RATE = phrases(
    "pair",
    nouns=f"""
[the |]{_RATE} [of|for|on] {{pair}}
[the |]{{pair}} {_RATE}
[the |]{{pair}} {_RATE}
{{pair}} {_RATE} [on|as of|at] {{as_of}}
[the |]{_RATE} between {{pair:joined}}
[the |]{_RATE} {{pair}}
[the |]{_RATE} [of|for] {{pair}} [on|as of|at|for] {{as_of}}
{{as_of}} {_RATE} [of|for] {{pair}}
{{pair}}
{{pair}} {{as_of}}
""",
    bare=f"""
[the |]{_RATE}
[the |]{_RATE} [on|as of|at] {{as_of}}
""",
    clauses=f"""
where [is|was|did] {{pair}} [trading|now|{{as_of:today}}|at|close|fix]?
where did {{pair}} [trade|close|fix|stand|end up] [on|at] {{as_of}}?
what [is|was|'s] {{pair}}[ at| trading at| {{as_of:today}}| now|]?
what was {{pair}} on {{as_of}}?
what did {{pair}} [close|fix|trade] at [on|at|] {{as_of:calendar}}?
at [what|which] [rate|level] [is|was] {{pair}}[ on {{as_of}}|]?
how [is|was|did] {{pair}} [quoted|trading|fixing][ on {{as_of}}|]?
[quote|get|show|look up|fetch] {{pair}}
{{pair}} [{{as_of:today}}|now|spot|rate|fixing|fix|close|quote|level]?
{{pair}} on {{as_of}}
how many {{pair:per}}[ on {{as_of}}|]?
how much [is|was] {{pair:worth}}[ on {{as_of}}|]?
what is {{pair:worth}}?
[what rate|which rate] do you have for {{pair}}[ on {{as_of}}|]?
[spot|rate|fx|fix]: {{pair}}
{_RATE} {{pair}} {{as_of}}
{{pair}}, {{as_of}}
not the amount, just the rate {{pair}}
""",
    functions="fx fx_rate rate fxRate exchange_rate spot",
)
