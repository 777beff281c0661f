"""Books and ad-hoc positions as a question names them.

Convention: the span is the noun phrase without its article; a noun after the name belongs to it
("the sample book" gives "sample book"), a noun before the name does not ("book Pelican" gives
"Pelican"), except before a number ("book 7").
"""

from random import Random

from engine.training.dialogues import entities, names, words
from engine.training.dialogues.entities import Value, plain
from engine.training.dialogues.grammar import listed, worded
from engine.training.dialogues.names import pick

_QUANTITIES = worded(
    "100 200 250 300 500 500 750 1,000 1000 1,500 2,000 2500 3000 5,000 5000 10,000 "
    "10000 12,500 20,000 "
    "25,000 50,000 100,000 1 10 40 75 1.5k 10k 5k"
)
AMOUNTS = worded(
    "1m 2m 5m 3m 10m 2.5m 5mm 1.5mm 20m 50m 100m 1bn 1.5bn 2bn 250k 500k 100k 75k "
    "10k 1k 5M 10M 3M 1B 750K 1.25m "
    "1,000 5,000 10,000 25,000 100,000 250,000 1,000,000 2,500,000 10,000,000 100 "
    "500 1000 10000 250000 "
    "1000000 2500000 50 20 1 99.95 1,234.56 12345.67 7.5 300 42 3.2m 0.5m 12m"
)
AMOUNT_WORDS = listed(
    "5 million;1 million;2.5 million;10 million;100 million;1.5 billion;2 billion;half a million;"
    "a million;one million;two million;ten million;a hundred thousand;100 thousand;fifty thousand;"
    "three hundred;one thousand;twenty;a thousand;a hundred;250 thousand;five million;1.2 million;"
    "quarter of a million;ten thousand;one;500 grand;2 mio;5 mio;3 mn;1.5 mln;one billion;a billion"
)


def _book_name(rng: Random) -> str:
    return "sample" if rng.random() < 0.06 else names.name(rng)


def _sample_book(rng: Random) -> Value:
    value = rng.random()
    if value < 0.55:
        return Value("the ", "sample book")
    if value < 0.7:
        return plain(pick(rng, ("sample", "Sample", "sample", "SAMPLE")))
    if value < 0.8:
        return Value("the ", "sample portfolio")
    if value < 0.87:
        return plain("sample book")
    if value < 0.92:
        return Value(pick(rng, ("our ", "my ", "this ", "that ")), "sample book")
    return Value(pick(rng, ("book ", "the book ", "portfolio ")), "sample")


def _invented_book(rng: Random) -> Value:
    text = names.name(rng)
    value = rng.random()
    if value < 0.4:
        return plain(text)
    if value < 0.66:
        return Value("the ", f"{text} {pick(rng, words.FUND_NOUNS)}")
    if value < 0.72:
        return plain(f"{text} {pick(rng, words.FUND_NOUNS)}")
    if value < 0.78:
        return Value(
            pick(rng, ("my ", "our ", "the ", "that ")), f"{text} {pick(rng, words.FUND_NOUNS)}"
        )
    if value < 0.82:
        noun = pick(rng, ("book", "book", "portfolio", "desk", "account", "fund"))
        suffix = pick(rng, ("7", "12", "3", "1", "42", "104", "2B", "9", "5", "17"))
        return plain(f"{noun} {suffix}")
    if value < 0.94 and not text[0].isdigit():
        noun = pick(rng, ("book", "book", "portfolio", "fund", "account"))
        article = pick(rng, ("", "", "the ", "my ", "our "))
        link = pick(rng, (" ", " ", " ", " ", " called ", " named "))
        return Value(article + noun + link, text)
    if value < 0.97:
        quote = pick(rng, ('"', "'", '"'))
        return Value(quote, text, quote)
    return plain(text)


def book(rng: Random) -> Value:
    """A named book: the sample book or an invented name."""
    return _sample_book(rng) if rng.random() < 0.22 else _invented_book(rng)


def bare_book(rng: Random) -> Value:
    """A book's name alone, for text that brings its own article or noun."""
    return plain(_book_name(rng))


def position(rng: Random) -> Value:
    """An ad-hoc position: shares, an amount of an instrument, cash or a pair."""
    quantity, name = pick(rng, _QUANTITIES), entities.instrument_name(rng)
    value = rng.random()
    if value < 0.22:
        noun = pick(rng, (" shares", " shares", " stock", ""))
        return plain(f"{quantity} {name}{noun}")
    if value < 0.36:
        return plain(f"{quantity} shares of {name}")
    if value < 0.48:
        side = pick(rng, ("long", "short"))
        shares = pick(rng, ("", " shares of", ""))
        return plain(f"{side} {quantity}{shares} {name}")
    if value < 0.54:
        lead = pick(
            rng, ("a position of ", "a holding of ", "a position in ", "a long position in ")
        )
        return Value(lead, f"{quantity} {name}{pick(rng, ('', ' shares'))}")
    if value < 0.74:
        return plain(f"{money_text(rng)} {pick(rng, ('of', 'in', 'of', 'worth of'))} {name}")
    if value < 0.88:
        return _cash(rng)
    if value < 0.93:
        side = pick(rng, ("long ", "short ", "", "long "))
        return plain(f"{side}{pick(rng, AMOUNTS)} {entities.pair(rng).span}")
    other = entities.instrument_name(rng)
    if value < 0.97:
        return _odd_position(quantity, name, rng)
    join = pick(rng, (" plus ", " + ", " against short "))
    return plain(f"{quantity} {name}{join}{pick(rng, _QUANTITIES)} {other}")


def _odd_position(quantity: str, name: str, rng: Random) -> Value:
    """Less usual orders of words: `AAPL 500`, `-200 JPM`, `EUR/USD 5m`."""
    return plain(
        pick(
            rng,
            (
                f"{name} {quantity}",
                f"-{quantity} {name}",
                f"{quantity} of {name}",
                f"{quantity}x {name}",
                f"{name} x {quantity}",
                f"{entities.pair(rng).span} {pick(rng, AMOUNTS)}",
                f"{pick(rng, ('long', 'short'))} {name} {quantity}",
                f"{name} {quantity} shares",
            ),
        )
    )


def _cash(rng: Random) -> Value:
    if rng.random() < 0.4:
        return plain(f"{pick(rng, AMOUNT_WORDS)} {entities.currency(rng)}")
    return plain(money_text(rng))


def money_text(rng: Random) -> str:
    """An amount with its currency in one span: 5m USD, EUR 3m, $2,000,000."""
    amount = pick(rng, AMOUNTS)
    value = rng.random()
    if value < 0.45:
        return f"{amount} {entities.currency(rng)}"
    if value < 0.75:
        return f"{entities.currency_code(rng)} {amount}"
    return f"{pick(rng, entities.SYMBOLS)}{amount}"


def portfolio(rng: Random) -> Value:
    """A book or ad-hoc position."""
    value = rng.random()
    if value < 0.68:
        return book(rng)
    if value < 0.9:
        return position(rng)
    if value < 0.97:
        stock = pick(rng, ("", "", " stock", " shares"))
        return plain(entities.instrument_name(rng) + stock)
    return entities.pair(rng)
