import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.chips.sampling import quantised
from neft.devices import Rram4
from neft.errors import RunCorruptError
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.backbones import BaseBackbone
from neft.networks.network import InputShape, build_network, initialise
from neft.runs.checkpoint import CODES, decode, encode, load_metadata, load_tensors, save_tensors
from neft.seeding import generator
from tests.input_shapes import inputs_for, shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@given(
    mapping=st.from_type(BitSlicing),
    shape=shapes,
    seed=st.integers(0, 1000),
    scale=st.sampled_from([0.0, 1e-6, 1.0, 1e6]),
)
def test_decoded_codes_are_the_quantised_weights_exactly(
    mapping: BitSlicing, shape: tuple[int, ...], seed: int, scale: float
) -> None:
    weight = scale * torch.randn(shape, generator=generator(seed))

    decoded = decode(encode({"w": weight}, {"w"}, mapping), mapping)

    assert torch.equal(decoded["w"], quantised(weight, mapping))


def test_what_does_not_lie_in_devices_stays_as_it_is() -> None:
    state = {"w": torch.randn(3, generator=generator(0)), "bias": torch.randn(3, generator=generator(1))}

    encoded = encode(state, {"w"}, BitSlicing())

    assert torch.equal(decode(encoded, BitSlicing())["bias"], state["bias"])
    assert "w" not in encoded


def test_numbers_of_a_type_that_torch_has_not_are_refused(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F8_E8M0", "shape": [2], "data_offsets": [0, 2]}}).encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")

    with pytest.raises(RunCorruptError, match="cannot be read as weights"):
        _ = load_tensors(path)


@pytest.mark.parametrize(("weight_bits", "stored"), [(4, torch.uint8), (8, torch.uint8), (16, torch.int32)])
def test_codes_of_up_to_eight_bits_are_bytes(weight_bits: int, stored: torch.dtype) -> None:
    encoded = encode({"w": torch.ones(3)}, {"w"}, BitSlicing(weight_bits=weight_bits))

    assert encoded[CODES + "w"].dtype == stored


def test_network_from_codes_gives_the_logits_of_the_network(backbone: BaseBackbone) -> None:
    """Deployed codes are what Eq. 4 programs anyway."""
    network = build_network(backbone, shape_for(backbone))
    initialise(network, generator(0))
    decoded = decode(encode(network.state_dict(), set(network.device_weights()), BitSlicing()), BitSlicing())
    again = build_network(backbone, shape_for(backbone))
    again.load_state_dict(decoded, strict=True)
    images = inputs_for(network, torch.randn(8, 1, 8, 8, generator=generator(1)))

    logits = []
    with torch.inference_mode():
        for one in (network, again):
            deployed = DeployedNetwork(one.eval(), ChipLaw(device=Rram4(), mapping=BitSlicing()))
            deployed.draw(0, 0)
            deployed.program(sigma_d=0.1)
            logits.append(deployed.logits(images))

    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-5)


def test_state_dict_survives_the_file(backbone: BaseBackbone, tmp_path: Path) -> None:
    state = build_network(backbone, shape_for(backbone)).state_dict()
    save_tensors(tmp_path / "weights", state, {"facts": "β"})

    loaded = load_tensors(tmp_path / "weights")

    assert set(loaded) == set(state)
    assert all(
        torch.equal(tensor, state[name]) and tensor.dtype == state[name].dtype for name, tensor in loaded.items()
    )
    assert load_metadata(tmp_path / "weights") == {"facts": "β"}


def test_transposed_and_shared_tensors_survive_the_file(tmp_path: Path) -> None:
    tensor = torch.arange(6.0).view(2, 3)
    save_tensors(tmp_path / "weights", {"a": tensor.T, "b": tensor})

    loaded = load_tensors(tmp_path / "weights")

    assert torch.equal(loaded["a"], tensor.T)
    assert torch.equal(loaded["b"], tensor)


@pytest.mark.parametrize("content", [b"", b"x", b"\x80\x04.", b"\xff" * 64, np.arange(99).tobytes()])
def test_file_that_holds_no_weights_is_corrupt(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)

    for read in (load_tensors, load_metadata):
        with pytest.raises(RunCorruptError, match=r"'weights\.safetensors' cannot be read as weights"):
            read(path)


def test_full_disk_is_the_systems_error(tmp_path: Path) -> None:
    words = (
        "import resource, signal, sys, torch; from pathlib import Path; from neft.runs.checkpoint import save_tensors;"
    )
    words += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999));"
    words += "save_tensors(Path(sys.argv[1]), {'w': torch.zeros(100_000)})"

    ended = subprocess.run(
        [sys.executable, "-c", words, str(tmp_path / "weights")], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr.rstrip().endswith("OSError: [Errno 27] File too large")


def test_cut_file_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save_tensors(path, {"w": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(RunCorruptError):
        load_tensors(path)


def test_missing_file_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(RunCorruptError, match="'none' cannot be read"):
        load_tensors(tmp_path / "none")


def test_read_tensors_do_not_lie_in_their_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_tensors(path, {"w": torch.arange(4.0)})

    read = load_tensors(path)["w"]

    with path.open("r+b") as file:  # the same file, other numbers
        _ = file.seek(-16, 2)
        _ = file.write(bytes(16))
    assert read.tolist() == [0.0, 1.0, 2.0, 3.0]
