from tests.hostile.table import BEGIN, END, GROUPS, PAGE, page_with, table


def test_the_table_in_the_docs_is_that_of_the_cases():
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page
    assert END in page
    assert page == page_with(table(), page), "run python -m tests.hostile.table"


def test_there_are_more_than_sixty_cases():
    assert sum(len(cases) for _, cases in GROUPS) > 60
