import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft import seeding
from neft.chips.sampling import draw_normals
from neft.config import RunConfig
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.seeding import derive_seed, generator, numpy_generator
from neft.training.loop import train

seeds = st.integers(0, 2**31 - 1)
paths = st.lists(st.text(max_size=5) | st.integers(0, 10_000), max_size=4)


@given(seed=seeds, path=paths)
def test_same_path_gives_the_same_stream(seed: int, path: list[str | int]) -> None:
    first = torch.randn(4, generator=generator(seed, *path))

    assert torch.equal(torch.randn(4, generator=generator(seed, *path)), first)
    assert numpy_generator(seed, *path).random() == numpy_generator(seed, *path).random()


@given(one=st.tuples(seeds, paths), other=st.tuples(seeds, paths))
def test_different_paths_give_different_seeds(
    one: tuple[int, list[str | int]], other: tuple[int, list[str | int]]
) -> None:
    assert (derive_seed(one[0], *one[1]) == derive_seed(other[0], *other[1])) == (one == other)


@given(seed=seeds, instance=st.integers(0, 10_000))
def test_a_number_is_the_same_key_whoever_made_it(seed: int, instance: int) -> None:
    plain = derive_seed(seed, "chip", instance)

    assert derive_seed(np.int64(seed), "chip", np.uint16(instance)) == plain
    assert derive_seed(torch.tensor(seed), np.str_("chip"), torch.tensor(instance)) == plain


def test_keys_are_those_that_stored_chips_were_drawn_from() -> None:
    assert derive_seed(0, "chip", 7) == 3943448998380553608
    assert derive_seed(5, "method", 3, 4) == 6150115721819716671


@pytest.mark.parametrize("wrong", [7.0, np.float64(7), torch.tensor(7.0), "7", None, True, np.True_], ids=repr)
def test_what_is_no_whole_number_is_no_seed(wrong: object) -> None:
    # not through a public function, whose types these tests check first
    with pytest.raises(ConfigError, match=f"must be a whole number; got {re.escape(repr(wrong))}"):
        _ = seeding._number(wrong)


def test_true_is_no_seed() -> None:
    with pytest.raises(ConfigError, match="must be a whole number; got True"):
        _ = derive_seed(True)
    with pytest.raises(ConfigError, match="must be a whole number; got True"):
        _ = derive_seed(0, "chip", True)


def test_separators_in_names_make_no_other_path() -> None:
    assert len({derive_seed(0, "a", "b"), derive_seed(0, "a'/'b"), derive_seed(0, "a/b")}) == 3


@given(order=st.permutations(range(8)))
def test_streams_do_not_depend_on_the_order_of_use(order: list[int]) -> None:
    drawn = {instance: torch.randn(3, generator=generator(0, "chip", instance)) for instance in order}

    assert torch.equal(drawn[7], torch.randn(3, generator=generator(0, "chip", 7)))


def test_streams_are_uncorrelated() -> None:
    n = 20_000
    one = torch.randn(n, generator=generator(0, "chip", 0))
    other = torch.randn(n, generator=generator(0, "chip", 1))

    # the mean product of independent standard normals has a standard error of 1/sqrt(n)
    assert abs(float((one * other).mean())) < 5 / n**0.5


def test_networks_of_equal_shape_meet_the_same_chip() -> None:
    ours = {"a": torch.ones(3, 2), "b": torch.zeros(4)}
    theirs = {"c": torch.rand(3, 2), "d": torch.rand(4)}

    normals = draw_normals(ours, generator(0, "chip", 7)).values()

    others = draw_normals(theirs, generator(0, "chip", 7)).values()
    assert all(torch.equal(one, other) for one, other in zip(normals, others, strict=True))


def test_training_does_not_depend_on_the_global_generator(small_config: RunConfig, few_digits: ImageData) -> None:
    before = torch.get_rng_state()
    first = train(small_config, few_digits).network.state_dict()
    torch.rand(7)
    assert not torch.equal(torch.get_rng_state(), before)

    second = train(small_config, few_digits).network.state_dict()

    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
