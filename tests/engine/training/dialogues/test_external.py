from engine.training.dialogues import external
from engine.training.dialogues.catalogue import ASK_BACK, INTENTS
from engine.training.dialogues.drafts import split_slot
from engine.training.dialogues.grammar import slots_of


def test_tables_hold_frames_of_every_intent() -> None:
    assert set(external.tables().single) == set(INTENTS)
    assert min(len(external.frames(name)) for name in INTENTS) >= 100


def test_frames_hold_all_required_arguments() -> None:
    for name, intent in INTENTS.items():
        required = {argument.name for argument in intent.arguments if argument.required}
        for frame in external.frames(name):
            assert required <= {split_slot(slot)[1] for slot in slots_of(frame)}, frame


def test_several_and_asks_name_known_tools() -> None:
    for frame in external.tables().several:
        assert 2 <= len(frame.intents) <= 3
        assert set(frame.intents) <= set(INTENTS)
    for ask in external.tables().asks:
        assert ask.tool in INTENTS
        assert ask.missing in ASK_BACK


def test_asks_lack_what_they_name() -> None:
    for ask in external.tables().asks:
        held = {split_slot(slot)[1] for slot in slots_of(ask.text)}
        assert ask.missing not in held, ask
