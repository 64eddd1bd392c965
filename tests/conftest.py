"""What tests share: the folder of real data sets, or a reason to skip."""

import pytest

from papers.data import folder


@pytest.fixture(scope="session")
def data_folder():
    """Real data sets: $OCO_DATA, or shared/data beside the checkout."""
    if not folder().is_dir():
        pytest.skip(f"no real data sets: {folder()} is not there; set OCO_DATA")
    return folder()
