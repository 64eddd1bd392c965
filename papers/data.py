"""The data that papers read: files the user has, looked for and never committed, or fetched when asked to.

A file is looked for in $OCO_DATA (or shared/data beside the checkout) and in the cache folder of pooch, the extra
`data`; what is fetched must have the pinned content.
"""

import bz2
import gzip
import hashlib
import os
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """A file, the sha256 of its content once decompressed, where it comes from; `url` only where it can be fetched."""

    path: str  # below $OCO_DATA
    content: str
    about: str
    url: str | None = None


MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets"

SOURCES = {
    "nyse_o": Source(
        "portfolio/nyse_o.csv.gz",
        "9653de113860fe82d813c8f133d12a59afbb67cb195acf637863a435052827b8",
        "price relatives of the New York Stock Exchange 1962-1984, 5651 days, 36 stocks, one line of names, commas",
    ),
    "cadata": Source(
        "california_housing/housing.csv.gz",
        "8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e",
        "California housing (Pace and Barry 1997) as a table: 20,640 rows, nine numbers and the proximity to the ocean",
    ),
    "a9a": Source(
        "a9a/a9a.gz",
        "f5d5ffd8d865ff41328e7ee043e4b020816914ff6843ff15b98905ddbedce906",
        "UCI Adult in 123 binary features, svmlight, 32,561 rows",
        f"{LIBSVM}/binary/a9a",
    ),
    "news20": Source(
        "news20_multiclass/news20.bz2",
        "1d6eb77c42e1c78e86f36af834268de933da3607f38e3703aef15f7a9f11e506",
        "20 newsgroups, word counts, svmlight, 15,935 rows, 62,061 columns",
        f"{LIBSVM}/multiclass/news20.bz2",
    ),
    "rcv1_small": Source(
        "rcv1_vw/rcv1_small.svm.gz",
        "875093db0efe203d9d2f794de375ac6ecaa125d5de06e00b50e07837ff5075d0",
        "1000 documents of RCV1, svmlight, 47,236 columns",
    ),
    "rcv1_small_test": Source(
        "rcv1_vw/rcv1_small_test.svm.gz",
        "91386870c58384bbeefd04529e2315e4ab8005d849c2809027643d89b4756e60",
        "500 documents of RCV1, svmlight, 47,236 columns",
    ),
    "sms_spam": Source(
        "sms_spam/sms_spam.svm.gz",
        "98764b8e058a0459d0be1813449721709c1c253857708807dbe4ebaeebe18708",
        "SMS Spam Collection (UCI) as word counts, svmlight, 5574 rows, 7924 columns",
    ),
    "sentence_polarity": Source(
        "sentence_polarity/sentence_polarity.svm.gz",
        "8c71fbb6335588fef797bcd8a167bddb64e3c647463c23728ffc2f2bab05b0c5",
        "movie sentences (Pang and Lee 2005) as word counts, svmlight, 10,662 rows, 18,834 columns",
    ),
    "mnist_images": Source(
        "mnist/train-images-idx3-ubyte.gz",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "MNIST's 60,000 training images, idx",
        f"{MNIST}/train-images-idx3-ubyte.gz",
    ),
    "mnist_labels": Source(
        "mnist/train-labels-idx1-ubyte.gz",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "MNIST's 60,000 training labels, idx",
        f"{MNIST}/train-labels-idx1-ubyte.gz",
    ),
    "mnist_test_images": Source(
        "mnist/t10k-images-idx3-ubyte.gz",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "MNIST's 10,000 test images, idx",
        f"{MNIST}/t10k-images-idx3-ubyte.gz",
    ),
    "mnist_test_labels": Source(
        "mnist/t10k-labels-idx1-ubyte.gz",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "MNIST's 10,000 test labels, idx",
        f"{MNIST}/t10k-labels-idx1-ubyte.gz",
    ),
}

RCV1 = {
    f"rcv1_{category}_{part}": Source(
        f"rcv1/{category}.{part}.svm.gz", "", f"RCV1-v2, {category} against the rest, svmlight with labels -1 and +1"
    )
    for category in ("ECAT", "CCAT", "GCAT", "MCAT")
    for part in ("train", "test")
}
SOURCES |= RCV1


def folder() -> Path:
    """$OCO_DATA, or shared/data beside the checkout."""
    return Path(os.environ.get("OCO_DATA") or Path(__file__).parents[2] / "shared" / "data")


def roots() -> list[Path]:
    """Folders to look in."""
    try:
        import pooch
    except ImportError:
        return [folder()]
    return [folder(), Path(pooch.os_cache("oco"))]


def find(name: str, fetch: bool = False) -> Path | None:
    """The file of a data set, fetched if it is not there and `fetch`; None where it cannot be had."""
    source = SOURCES[name]
    for root in roots():
        if (root / source.path).is_file():
            return root / source.path
    return _fetched(name, source) if fetch and source.url else None


def _fetched(name: str, source: Source) -> Path:
    try:
        import pooch
    except ImportError:
        raise ValueError("fetching data needs pooch: pip install 'oco[data]'") from None
    cache, file = Path(pooch.os_cache("oco")), Path(source.path)
    kept = Path(pooch.retrieve(source.url, None, fname=file.name, path=cache / file.parent, progressbar=True))
    if content(kept) != source.content:
        kept.unlink()
        raise ValueError(f"{name}: what {source.url} gives is not the file that this paper was checked with; removed")
    return kept


def content(path: Path) -> str:
    """sha256 of what the file holds once decompressed."""
    opened = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}
    with open(path, "rb") as raw:
        kind = opened.get(raw.read(2), open)
    digest = hashlib.sha256()
    with kind(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def advice(name: str) -> str:
    """What to get where a data set is absent."""
    source = SOURCES[name]
    how = "add --fetch, or put" if source.url else "put"
    return f"{name} is not here: {source.about}; {how} it at $OCO_DATA/{source.path}"
