"""A race finds the chips that the whole evaluation would, with the promised probability, for fewer images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pytest

from neft.errors import ConfigError
from neft.evaluation.race import Race, RaceResult, Seen, SeenAll, num_pilots
from neft.seeding import numpy_generator


@dataclass(frozen=True)
class Margins:
    """Chips whose margins on all images are known, and which note what was asked of them."""

    margins: np.ndarray
    told: np.ndarray
    """What is shown as margins, from which others are forecast."""
    asked: list[tuple[int, tuple[int, ...]]]
    whole: list[int] = field(default_factory=list)
    """Chips that met all images at once."""

    @property
    def num_images(self) -> int:
        return self.margins.shape[1]

    @property
    def accuracies(self) -> np.ndarray:
        return 1 - (self.margins <= 0).mean(axis=1)

    def see(self, instance: int, images: np.ndarray) -> Seen:
        self.asked.append((instance, tuple(images.tolist())))
        return Seen(self.margins[instance, images] <= 0, self.told[instance, images])

    def see_all(self, instance: int) -> SeenAll:
        self.whole.append(instance)
        return SeenAll(
            Seen(self.margins[instance] <= 0, self.told[instance]), float(1 - (self.margins[instance] <= 0).mean())
        )


def like_chips(num_chips: int, num_images: int, *, seed: int = 0, spread: float = 1.0) -> Margins:
    """Images differ in difficulty, chips in how far they are off and in which way, and both in chance."""
    rng = numpy_generator(seed, "like chips")
    margins = rng.normal(1.5, 2, num_images) - spread * rng.normal(0.0, 0.5, (num_chips, 1))
    margins += spread * rng.normal(size=(num_chips, 5)) @ rng.normal(0, 0.4, (5, num_images))
    margins += rng.normal(0, 0.6, (num_chips, num_images))
    return Margins(margins, margins, [])


def raced(track: Margins, num_lowest: int, *, seed: int = 0, chance_of_error: float = 0.01) -> RaceResult:
    race = Race(
        track,
        num_instances=len(track.margins),
        num_lowest=num_lowest,
        seed=seed,
        chance_of_error=chance_of_error,
    )
    result = [*race.run()][-1].result
    assert result is not None
    return result


def is_right(track: Margins, result: RaceResult) -> bool:
    """Whether it is that of the whole evaluation: all ranks, and all chips below the last."""
    accuracies = track.accuracies
    lowest = np.sort(accuracies)[: len(result.lowest)]
    below = set(np.flatnonzero(accuracies < lowest[-1]).tolist())
    found = {chip.instance: chip.accuracy for chip in result.lowest}
    return (
        [chip.accuracy for chip in result.lowest] == lowest.tolist()
        and below <= set(found)
        and all(accuracies[instance] == accuracy for instance, accuracy in found.items())
    )


def share_wrong(tracks: Sequence[Margins], num_lowest: int, *, races: int, chance_of_error: float) -> float:
    wrong = [
        not is_right(
            tracks[seed % len(tracks)],
            raced(tracks[seed % len(tracks)], num_lowest, seed=seed, chance_of_error=chance_of_error),
        )
        for seed in range(races)
    ]
    return sum(wrong) / races


def within(chance: float, races: int) -> float:
    """The promise, and five standard errors of a share over so many races."""
    return chance + 5 * sqrt(chance * (1 - chance) / races)


def test_no_more_races_are_wrong_than_promised() -> None:
    tracks = [like_chips(150, 300, seed=seed, spread=0.4) for seed in range(10)]

    # were chips left out as soon as coins have grown at all, 15 of these 40 races would be wrong
    assert share_wrong(tracks, 4, races=40, chance_of_error=0.01) <= within(0.01, 40)


def test_a_weak_promise_is_kept_too() -> None:
    tracks = [like_chips(150, 300, seed=seed, spread=0.4) for seed in range(5)]

    assert share_wrong(tracks, 4, races=40, chance_of_error=0.2) <= within(0.2, 40)


def test_forecasts_that_tell_the_opposite_break_no_promise() -> None:
    one = like_chips(120, 250)
    misled = Margins(one.margins, -one.margins, [])

    assert share_wrong([misled], 3, races=20, chance_of_error=0.1) <= within(0.1, 20)


def test_first_chips_unlike_all_others_break_no_promise() -> None:
    one = like_chips(120, 250)
    one.margins[: num_pilots(120)] += 3  # they err on nearly nothing

    assert share_wrong([one], 3, races=20, chance_of_error=0.1) <= within(0.1, 20)


def test_it_takes_few_of_the_images() -> None:
    track = like_chips(1000, 1000)

    result = raced(track, 20)

    assert is_right(track, result)
    assert result.whole_passes == 1_000_000
    assert result.passes < 0.3 * result.whole_passes


def test_what_chips_met_is_what_is_counted() -> None:
    track = like_chips(400, 300)

    result = raced(track, 5)

    assert result.passes == sum(len(images) for _, images in track.asked) + result.num_whole * 300


def test_it_is_told_how_many_chips_met_how_many_images() -> None:
    track = like_chips(400, 300)
    result = raced(track, 5)

    met = np.zeros(400, dtype=int)
    for instance, images in track.asked:
        met[instance] += len(images)
    met[track.whole] = 300
    assert result.num_whole == len(track.whole)
    assert result.still_in == tuple((images, int((met >= images).sum())) for images in sorted(set(met.tolist())))
    assert result.still_in[0][1] == 400


def test_every_chip_meets_images_in_an_order_of_its_own_and_none_twice() -> None:
    track = like_chips(120, 300)

    _ = raced(track, 5)

    met: dict[int, list[int]] = {}
    for instance, images in track.asked:
        met.setdefault(instance, []).extend(images)
    assert set(met) == set(range(num_pilots(120), 120))
    assert all(len(set(images)) == len(images) for images in met.values())
    assert len({tuple(images[:10]) for images in met.values()}) == len(met)


def test_chips_that_are_hard_to_tell_apart_cost_little_more_than_all_images() -> None:
    one = like_chips(200, 300)
    alike = np.random.default_rng(0).permuted(np.tile(one.margins[0], (200, 1)), axis=1)  # as many errors on each

    result = raced(Margins(alike, alike, []), 4)

    assert result.passes < 1.3 * result.whole_passes
    assert [chip.instance for chip in result.lowest] == sorted(chip.instance for chip in result.lowest)


def test_equal_chips_are_told_in_their_order() -> None:
    margins = np.ones((60, 100))
    margins[40:, :10] = -1

    result = raced(Margins(margins, margins, []), 5)

    assert [chip.accuracy for chip in result.lowest] == [0.9] * 5
    assert all(chip.instance >= 40 for chip in result.lowest)


def test_the_same_seed_gives_the_same_race() -> None:
    assert raced(like_chips(200, 300), 3, seed=4) == raced(like_chips(200, 300), 3, seed=4)


def test_steps_add_up_to_all_chips() -> None:
    states = [*Race(like_chips(100, 200), num_instances=100, num_lowest=2, seed=0).run()]

    done = [state.done for state in states]
    assert done == sorted(done)
    assert (done[-1], states[-1].total) == (200, 200)
    assert all(state.result is None for state in states[:-1])


@pytest.mark.parametrize("num_lowest", [0, 101])
def test_more_chips_than_there_are_cannot_be_the_lowest(num_lowest: int) -> None:
    with pytest.raises(ConfigError, match=rf"num_lowest \(R\) must lie in \[1, 100\].*; got {num_lowest}"):
        _ = Race(like_chips(100, 20), num_instances=100, num_lowest=num_lowest, seed=0)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_promise_is_neither_certain_nor_empty(chance: float) -> None:
    with pytest.raises(ConfigError, match="chance_of_error"):
        _ = Race(like_chips(10, 20), num_instances=10, num_lowest=1, seed=0, chance_of_error=chance)


def test_all_chips_may_be_asked_for() -> None:
    track = like_chips(50, 100)

    assert is_right(track, raced(track, 50))
