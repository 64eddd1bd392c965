"""What tests share: the folder of real data sets, or a reason to skip."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder():
    """Real data sets: $OCO_DATA, or shared/data beside the checkout."""
    folder = Path(os.environ.get("OCO_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data sets: {folder} is not there; set OCO_DATA")
    return folder
