"""How many threads there may be."""

from __future__ import annotations

import pytest

import klados


@pytest.mark.parametrize("count", [0, -1, 1025, 2**40, 2**64, -(2**70)])
def test_a_number_of_threads_that_cannot_be(count: int) -> None:
    before = klados.get_num_threads()
    with pytest.raises(ValueError, match=f"the number of threads is {count}, expected 1 to 1024"):
        klados.set_num_threads(count)
    assert klados.get_num_threads() == before


@pytest.mark.parametrize("count", [None, "2", 1.5])
def test_what_is_no_number_of_threads(count) -> None:
    with pytest.raises(TypeError):
        klados.set_num_threads(count)
