"""Documents attached to a question: JSON values that arguments name instead of writing them out."""

import json
import re
from collections.abc import Mapping

from finsvc.domain.errors import InputError

DOCUMENTS_MAX = 8
DOCUMENT_CHARACTERS_MAX = 4_000_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def check_documents(documents: Mapping[str, object]) -> Mapping[str, object]:
    """Return documents that may be attached.

    Raises:
        InputError: Too many, too large, no JSON, or a name that is more than one word.
    """
    if len(documents) > DOCUMENTS_MAX:
        expected = f"at most {DOCUMENTS_MAX}"
        raise InputError(field="documents", expected=expected, actual=str(len(documents)))
    for name, document in documents.items():
        field = f"documents.{name[:40]}"
        if _NAME.fullmatch(name) is None:
            expected = "a name of up to 40 letters, digits, _ and -, with a letter first"
            raise InputError(field=field, expected=expected, actual=repr(name[:80]))
        try:
            size = len(json.dumps(document, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(field=field, expected="JSON", actual=str(error)) from error
        if size > DOCUMENT_CHARACTERS_MAX:
            expected = f"at most {DOCUMENT_CHARACTERS_MAX} characters of JSON"
            raise InputError(field=field, expected=expected, actual=str(size))
    return documents
