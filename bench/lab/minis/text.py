"""Text to learn from, by domain, from folders that any machine with Python has: no download.

A document is one file, cut at MOST_BYTES. Every tenth document of a domain is kept for the test and never trained on.
"""

import random
import sysconfig
from pathlib import Path

MOST_BYTES = 40_000
LEAST_BYTES = 400
PROJECT = Path(__file__).resolve().parents[3]

# By domain: folders, and the ends of the names of files that belong to it.
DOMAINS = {
    "prose": ([PROJECT / "docs", Path("/usr/share/doc"), Path("/usr/share/common-licenses"), Path("/usr/share/vim")], (".md", ".txt", "README", "copyright")),
    "python": ([Path(sysconfig.get_paths()["stdlib"])], (".py",)),
    "c": ([Path("/usr/include")], (".h",)),
    "typescript": ([PROJECT / "src", PROJECT / "test"], (".ts",)),
}


def documents(domain: str, most_bytes: int, seed: int) -> list[str]:
    """Up to most_bytes of text of a domain, files in an order drawn with seed; what is not UTF-8 is left out. Raises ValueError if there is none."""
    folders, ends = DOMAINS[domain]
    files = sorted(path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.name.endswith(ends) and path.is_file())
    random.Random(seed).shuffle(files)
    texts, taken = [], 0
    for path in files:
        try:
            text = path.read_bytes()[:MOST_BYTES].decode("utf-8", errors="strict")
        except (UnicodeDecodeError, OSError):
            continue
        if len(text) < LEAST_BYTES or "\0" in text:
            continue
        texts.append(text)
        taken += len(text)
        if taken >= most_bytes:
            break
    if not texts:
        raise ValueError(f"no text of the domain {domain} in {', '.join(map(str, folders))}")
    return texts


def corpus(most_bytes: int, seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(train, test) documents as (domain, text), an equal share of most_bytes for each domain, in an order drawn with seed."""
    train, test = [], []
    for domain in DOMAINS:
        for index, text in enumerate(documents(domain, most_bytes // len(DOMAINS), seed)):
            (test if index % 10 == 9 else train).append((domain, text))
    random.Random(seed + 1).shuffle(train)
    return train, test
