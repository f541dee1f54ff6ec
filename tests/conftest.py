import pytest

import lab as _lab


@pytest.fixture(scope="session")
def isolated():
    """This process's own /run/netns and /run/blackstart. A fixture of wider scope than `lab` asks for it before it makes a Lab."""
    _lab.isolate()


@pytest.fixture
def lab(isolated):
    made = _lab.Lab()
    yield made
    made.close()


@pytest.fixture(params=[True, False], ids=["offload", "no-offload"])
def pair(lab, request):
    """client and server on a veth pair, once with tx checksum offload and once without: veth hides checksum bugs."""
    return lab.pair(offload=request.param)
