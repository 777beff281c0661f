"""Pages: who owns them, what is known of them, what is forgotten first."""

from hypothesis import given
from hypothesis import strategies as st

from engine.pages import PageTable, common_prefix

SIZE = 4
TOKENS = st.lists(st.integers(0, 2), max_size=40)


@given(first=TOKENS, second=TOKENS)
def test_common_prefix_equals_the_count_of_leading_equal_tokens(
    first: list[int], second: list[int]
) -> None:
    expected = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        expected += 1
    assert common_prefix(first, second) == expected


def table(num_pages: int = 8, kept_max: int | None = None) -> PageTable:
    return PageTable(num_pages=num_pages, page_tokens=SIZE, kept_max=kept_max)


def use(pages: PageTable, tokens: list[int], tenant: str = "") -> tuple[list[int], int]:
    """Serve a sequence the way the scheduler does; return its pages and what was known of it."""
    match = pages.match(tenant, tokens)
    held, digests = list(match.pages), list(match.digests)
    known = len(held) * SIZE + match.num_copied
    while len(held) * SIZE < len(tokens):
        page = pages.allocate()
        assert page is not None
        held.append(page)
    while (len(digests) + 1) * SIZE <= len(tokens):
        at = len(digests)
        parent = digests[-1] if digests else pages.root(tenant)
        digests.append(pages.fill(held[at], parent, tokens[at * SIZE : (at + 1) * SIZE]))
    return held, known


def give_back(pages: PageTable, held: list[int], tokens: list[int], tenant: str = "") -> None:
    full = len(tokens) // SIZE
    if len(tokens) % SIZE:
        match = pages.match(tenant, tokens[: full * SIZE])
        parent = match.digests[-1] if match.digests else pages.root(tenant)
        for page in match.pages:
            pages.release(page)
        pages.release_partial(held[full], parent, tokens[full * SIZE :])
    for page in reversed(held[:full]):
        pages.release(page)


def serve(pages: PageTable, tokens: list[int], tenant: str = "") -> int:
    held, known = use(pages, tokens, tenant)
    give_back(pages, held, tokens, tenant)
    return known


def test_full_pages_are_shared_while_they_are_in_use() -> None:
    pages = table()
    first, _ = use(pages, [1, 2, 3, 4, 5])
    second, known = use(pages, [1, 2, 3, 4, 6])
    assert known == SIZE
    assert first[0] == second[0]
    assert first[1] != second[1]
    pages.release(second[0])
    # Still owned by the first.
    assert pages.num_kept == 0


def test_beginning_is_found_to_the_token_in_half_filled_and_in_full_pages() -> None:
    pages = table()
    serve(pages, [1, 2, 3, 4, 5, 6])
    assert serve(pages, [1, 2, 3, 4, 5, 9]) == 5
    assert serve(pages, [1, 2, 9]) == 2
    assert serve(pages, [7]) == 0


def test_tenants_share_nothing() -> None:
    pages = table()
    serve(pages, [1, 2, 3, 4, 5], tenant="a")
    assert serve(pages, [1, 2, 3, 4, 5], tenant="b") == 0
    assert serve(pages, [1, 2, 3, 4, 5], tenant="a") == 5


def test_same_tokens_after_another_beginning_are_not_found() -> None:
    pages = table()
    serve(pages, [1, 1, 1, 1, 2, 2, 2, 2])
    assert serve(pages, [2, 2, 2, 2]) == 0


def test_longer_half_filled_page_replaces_the_one_it_contains() -> None:
    pages = table()
    serve(pages, [1, 2])
    serve(pages, [1, 2, 3])
    assert pages.num_kept == 1
    serve(pages, [1])
    assert pages.num_kept == 1


def test_least_recently_used_page_is_given_up_first_and_beginnings_last() -> None:
    pages = table(num_pages=3)
    serve(pages, [1, 1, 1, 1, 2, 2, 2, 2])
    serve(pages, [3, 3, 3, 3])
    held, known = use(pages, [4, 4, 4, 4])
    assert known == 0
    # The end of the oldest sequence went, its beginning is still there.
    match = pages.match("", [1, 1, 1, 1, 2, 2, 2, 2])
    assert len(match.pages) == 1
    assert held[0] not in match.pages


def test_kept_pages_are_bounded() -> None:
    pages = table(kept_max=2)
    for token in range(5):
        serve(pages, [token] * SIZE)
    assert pages.num_kept == 2
    assert pages.num_available == 8
    pages.clear()
    assert (pages.num_kept, pages.num_available) == (0, 8)


def test_all_pages_in_use_leaves_none_to_allocate() -> None:
    pages = table(num_pages=2)
    use(pages, [1] * 8)
    assert pages.allocate() is None
    assert pages.num_available == 0


def test_same_content_computed_twice_is_known_once() -> None:
    pages = table()
    first, second = pages.allocate(), pages.allocate()
    assert first is not None
    assert second is not None
    root = pages.root("")
    assert pages.fill(first, root, [1] * SIZE) == pages.fill(second, root, [1] * SIZE)
    pages.release(second)
    assert pages.num_kept == 0
    pages.release(first)
    assert pages.num_kept == 1


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), TOKENS), max_size=30), st.integers(10, 14))
def test_pages_are_never_lost_and_matches_are_true(
    prompts: list[tuple[str, list[int]]], num_pages: int
) -> None:
    pages = table(num_pages=num_pages)
    seen: dict[str, list[list[int]]] = {"a": [], "b": []}
    for tenant, tokens in prompts:
        known = serve(pages, tokens, tenant)
        assert known <= max((common_prefix(tokens, one) for one in seen[tenant]), default=0)
        seen[tenant].append(tokens)
        assert pages.num_available == num_pages
