"""Phrases for option prices and sensitivities."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.phrase_types import phrases

# An option in one phrase, with all its parts.
OPTION = (
    "[a |the |][{option_type} on {underlying} [with |][strike|strike price|a strike of|strike of|K] {strike} [and |][expiring|expiry|maturing|with expiry|expiration] {expiry}"
    "|{strike} {option_type} on {underlying} [expiring|expiry|maturing|exp] [in {expiry:later}|{expiry}]"
    "|{strike} strike {option_type} on {underlying}[,|] [expiring|expiry|maturing] {expiry}"
    "|{underlying} {strike} {option_type} [expiring|expiry|exp|maturing|for] {expiry}"
    "|{underlying} {strike} {option_type} {expiry}"
    "|{underlying} {option_type} {strike} {expiry}"
    "|{underlying} {expiry:tenor} {strike} {option_type}"
    "|{expiry:tenor} {strike} {option_type} on {underlying}"
    "|{expiry:tenor} {underlying} {strike} {option_type}"
    "|{expiry:tenor} {option_type} on {underlying} [struck at|at|with strike|strike] {strike}"
    "|{underlying} {option_type} [with strike|struck at|strike|at] {strike}[,|] [expiring|expiry|maturing in|due] {expiry}"
    "|European {option_type} on {underlying}[, strike| with strike| struck at] {strike}[, expiry| and expiry|, expiring| maturing] {expiry}"
    "|{option_type} option on {underlying}[, strike| with strike| struck at] {strike}[, expiry| and expiry|, expiring in| maturing] {expiry}"
    "|{strike} {option_type:plural} on {underlying} [expiring|for|maturing] {expiry}"
    "|{underlying} {strike} {option_type:plural} [for|expiring|maturing] {expiry}"
    "|{underlying} {expiry:tenor} {strike} {option_type:plural}"
    "|{option_type} on {underlying} that expires [in {expiry:later}|{expiry}] [at|with|with a strike of] {strike}"
    "|{option_type} struck at {strike} on {underlying} with [{expiry:later}|{expiry}] [to expiry|to go|to maturity|left]]"
)
# The same with one essential part left out, for questions that must be asked back.
PARTIAL = (
    "[a |the |]{option_type} on {underlying} [expiring|maturing|expiry] {expiry}",
    "[a |the |]{underlying} {expiry:tenor} {option_type}",
    "[a |the |]{strike} {option_type} on {underlying}",
    "[a |the |]{underlying} {strike} {option_type}",
    "[a |the |]{option_type} on {underlying} with strike {strike}",
    "[a |an |the |]{underlying} {strike} option [expiring|maturing] {expiry}",
    "[an |the |]option on {underlying} with strike {strike} and expiry {expiry}",
    "[a |the |]{strike} {option_type} expiring {expiry}",
    "[a |the |]{option_type} with strike {strike} maturing {expiry}",
    "[a |the |]{expiry:tenor} {strike} {option_type}",
    "[a |the |]{option_type} on {underlying}",
    "[an |the |]{underlying} option",
    "[an |the |my |our |this |]option",
    "[a |the |]{option_type}",
)
_SPLIT = (
    "[{underlying}, {option_type}, strike {strike}, expiry {expiry}|{option_type} / {underlying} / {strike} / {expiry}|"
    "{underlying} {option_type}, K={strike}, T={expiry}|underlying {underlying}, strike {strike}, {option_type}, expiring {expiry}|"
    "strike {strike}, {option_type}, {expiry}, {underlying}|{underlying} ¦ {option_type} ¦ {strike} ¦ {expiry}]"
)
_PRICE = "[price|price|value|fair value|premium|worth|cost|theoretical value|Black-Scholes price|BS price|model price|option price]"

OPTION_PRICE = phrases(
    "underlying",
    nouns=f"""
[the |]{_PRICE} of {OPTION}
[the |]{_PRICE} of {OPTION}
[the |]{_PRICE} for {OPTION}
{OPTION} [price|value|premium]
{OPTION}
option price, {_SPLIT}
[the |]price of [this|the following] option: {_SPLIT}
[the |][option |][price|premium|value]: {_SPLIT}
""",
    bare=f"[the |]{_PRICE} of {OPTION}",
    clauses=f"""
[price|value] {OPTION}
[price|value] {_SPLIT}
how much [is|does] {OPTION} [cost|worth]?
how expensive is {OPTION}?
how much [should|would|do] [I|we] pay for {OPTION}?
how much do I have to pay for {OPTION}?
what [is|would be] {OPTION} worth?
what [does|would|should] {OPTION} cost?
what would {OPTION} [trade at|go for|sell for]?
what [premium|price] [does|would] {OPTION} [have|command|carry]?
what premium do [I|we] [get|receive] for selling {OPTION}?
[I|we] want to [buy|sell|price|value|hedge with] {OPTION}. [what is the price|what does it cost|what's it worth|price?]
consider {OPTION}. what is [its|the] [price|value|premium|fair value]?
take {OPTION}. [what's it worth|price it|value it|premium?]
can you price {OPTION}?
[quote|mark] {OPTION}
option on {{underlying}}: {{option_type}}, {{strike}}, {{expiry}}. price?
{{underlying}} option, {{option_type}}, strike {{strike}}, expiry {{expiry}}: [value|price|cost|what is it worth]?
the {{strike}} {{option_type}} on {{underlying}}: what is it worth if it expires [in {{expiry:later}}|on {{expiry}}]?
""",
    functions="option_price price_option optionPrice bs black_scholes",
)

OPTION_GREEK = phrases(
    "underlying",
    nouns=f"""
[the |]{{greek}} of {OPTION}
[the |]{{greek}} of {OPTION}
[the |]{{greek}} of {OPTION}
[the |]{{greek}} [for|on] {OPTION}
[the |][option |]{{greek}}: {_SPLIT}
{OPTION} {{greek}}
{OPTION}: {{greek}}
the sensitivity ({{greek}}) of {OPTION}
{{greek}}, {_SPLIT}
[the |]option {{greek}} of {OPTION}
""",
    bare=f"[the |]{{greek}} of {OPTION}",
    clauses=f"""
what {{greek}} does {OPTION} have?
how much {{greek}} [do we have|is there|does one get] in {OPTION}?
[compute|calculate|get|show|find] {{greek}} of {OPTION}
consider {OPTION}. what is [its|the] {{greek}}?
take {OPTION}. {{greek}}?
[I|we] [hold|own|sold|bought] {OPTION}. what is [the|its|my|our] {{greek}}?
{{greek}} {{underlying}} {{strike}} {{option_type}} {{expiry}}
how large is the {{greek}} of {OPTION}?
not the price, the {{greek}} of {OPTION}
I need to hedge {OPTION}, what's the {{greek}}?
option on {{underlying}}: {{option_type}}, {{strike}}, {{expiry}}. {{greek}}?
{{underlying}} option, {{option_type}}, strike {{strike}}, expiry {{expiry}}: {{greek}}?
{{greek}} please: {_SPLIT}
""",
    functions="greek option_greek optionGreek sensitivity",
)
