"""The shipped tokenizer, shared by the tests of training."""

import pytest

from engine.tokenizer import Tokenizer
from tests.engine.training.factories import EMBEDDED


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(EMBEDDED)
