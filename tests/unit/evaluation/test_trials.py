"""Trials that are made numbers of together."""

from collections.abc import Generator

import torch

from neft.evaluation.trials import Trial, few_at_once


def test_all_come_in_order_with_so_many_values_at_most_and_no_more_taken_than_are_held() -> None:
    taken: list[float] = []

    def trials() -> Generator[Trial]:
        for number, size in enumerate((3, 3, 3, 20, 1, 6)):
            taken.append(float(number))
            yield Trial([torch.zeros(size)], float(number))

    groups = few_at_once(trials(), 7)

    assert [one.sigma_d for one in next(groups)] == [0.0, 1.0]
    assert taken == [0.0, 1.0, 2.0]  # the one that did not fit
    assert [[one.sigma_d for one in group] for group in groups] == [[2.0], [3.0], [4.0, 5.0]]


def test_nothing_of_nothing() -> None:
    assert list(few_at_once([], 7)) == []
