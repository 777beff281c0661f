"""Tools that the finance questions never need, each with its own questions.

Present in varied rows, where a question about one of them must call it; the same question is
declined where the tool is absent.
"""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.catalogue import Argument, Field, Intent
from engine.training.dialogues.grammar import lines
from engine.training.dialogues.types import Agent

_ROWS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "weather",
        "Weather report of a place.",
        "place! as_of",
        "weather report",
        """
[what is|what's|how is|how's] the weather [in|at|like in] {place}[ on {as_of}| {as_of}|]?
[weather|forecast|weather report|temperature] [in|for] {place}[ {as_of}|]
will it [rain|snow|be sunny] in {place}[ {as_of}|]?
how [warm|cold|hot] is it in {place}?
[give me|I need|show] the weather [for|in] {place}
do I need an umbrella in {place}?
""",
    ),
    (
        "calendar",
        "Meetings of a person in the calendar.",
        "person! as_of",
        "calendar",
        """
what meetings does {person} have[ on {as_of}| {as_of}|]?
[show|check|open|get] the calendar of {person}[ for {as_of}|]
is {person} [free|busy|available][ on {as_of}|]?
when is {person}'s next meeting?
{person} [calendar|meetings|appointments][ {as_of}|]
""",
    ),
    (
        "leave_balance",
        "Remaining holiday of an employee.",
        "person!",
        "leave balance",
        """
how many [days of leave|vacation days|holidays|days off] does {person} have[ left|]?
[leave|holiday|vacation] balance of {person}
what is the [leave|holiday] balance [of|for] {person}?
[show|check] the remaining [leave|holiday|vacation] of {person}
""",
    ),
    (
        "phone_directory",
        "Telephone number of a person or company.",
        "person!",
        "telephone number",
        """
what is the [phone|telephone|extension] [number|] of {person}?
[phone|telephone] number of {person}
how can I [reach|call|phone] {person}?
[can you |please |]find {person}'s [number|extension|phone]
[can you |please |]look up the phone number [of|for] {person}
""",
    ),
    (
        "news_search",
        "Headlines about a company.",
        "company!",
        "news",
        """
[any|what is the|latest|show me the] news [about|on|for] {company}?
[headlines|news] [on|about|for] {company}
what [are|do] the papers [saying|say] about {company}?
[find|search|get] [news|articles|headlines] [about|on] {company}
""",
    ),
    (
        "translate",
        "Translation of a text.",
        "text! language!",
        "translation",
        """
translate {text} [into|to] {language}
how do you say {text} in {language}?
what is {text} in {language}?
[please |]put {text} into {language}
""",
    ),
    (
        "headcount",
        "Number of employees in a department.",
        "department! as_of",
        "headcount",
        """
how many people [work|are] in {department}[ as of {as_of}| on {as_of}|]?
[the |]headcount of {department}[ as of {as_of}|]
what is the headcount [of|in] {department}?
how big is the team in {department}?
[staff|employee] numbers [for|in] {department}
""",
    ),
    (
        "meeting_room",
        "Books a meeting room.",
        "place! as_of",
        "meeting room",
        """
book [a|the] [meeting |]room in {place}[ for {as_of}| on {as_of}|]
[is there|do we have] a free [meeting |]room in {place}[ on {as_of}|]?
reserve a [meeting |]room in {place}
""",
    ),
    (
        "office_supplies",
        "Stock of an office article.",
        "item!",
        "stock level",
        """
how many {item} do we have in stock?
[order|buy|get] {item} for the office
[is|are] {item} in stock?
stock level of {item}
""",
    ),
    (
        "credit_rating",
        "Credit rating of an issuer by an agency.",
        "company! as_of",
        "credit rating",
        """
what is the [credit |]rating of {company}[ as of {as_of}|]?
[credit rating|rating|agency rating] of {company}
how is {company} rated[ as of {as_of}|]?
what rating does {company} have?
{company} credit rating[ {as_of}|]
""",
    ),
    (
        "dividend",
        "Dividend of a company.",
        "company! as_of",
        "dividend",
        """
what [is|was] the dividend of {company}[ on {as_of}|]?
[dividend|dividends|dividend yield] of {company}
what dividend does {company} pay?
how much does {company} pay out to shareholders?
{company} [dividend|dividend yield]
""",
    ),
    (
        "company_profile",
        "Profile of a company: seat, chief executive, business.",
        "company!",
        "company profile",
        """
who is the [CEO|CFO|chairman|chief executive] of {company}?
where is {company} [based|headquartered]?
what does {company} do?
[company |]profile of {company}
tell me about {company}
""",
    ),
    (
        "bond_yield",
        "Yield of a government bond.",
        "place! as_of",
        "yield",
        """
what [is|was] the [bond yield|government bond yield|10-year yield|yield] of {place}[ on {as_of}| as of {as_of}|]?
[government bond|bond|sovereign] yield of {place}
where are {place} government bonds trading?
{place} [10-year|bond] yield[ {as_of}|]
""",
    ),
    (
        "open_tickets",
        "Open support tickets of a system.",
        "item!",
        "ticket list",
        """
[are there|do we have] [any |]open tickets for {item}?
[list|show] [the |]tickets [for|of] {item}
what is broken in {item}?
ticket status of {item}
""",
    ),
)


def _intent(name: str, description: str, arguments: str, label: str) -> Intent:
    subject, value = Field("subject"), Field("value")
    return Intent(
        name=name,
        agent=Agent.AUTO,
        description=description,
        arguments=tuple(
            Argument(word.rstrip("!"), word.endswith("!")) for word in arguments.split()
        ),
        fields=(subject, value),
        final=f"The {label} of <subject> is <value>.",
    )


JUNK: dict[str, Intent] = {
    name: _intent(name, description, arguments, label)
    for name, description, arguments, label, _ in _ROWS
}
JUNK_CLAUSES: dict[str, tuple[str, ...]] = {row[0]: lines(row[4]) for row in _ROWS}
