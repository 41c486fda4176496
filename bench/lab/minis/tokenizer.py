"""Byte-pair tokens as llama.cpp's `llama` tokenizer (SPM) reads them: a space is U+2581, of all neighbours whose union is a token the one of the highest
score is joined first, and a character without a token becomes its bytes. https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp (2026-09)

A token never has a space after another character, so words are joined apart, and the joined words of a text are the tokens of the text.
"""

import heapq
import re
from collections import Counter, defaultdict

MOST_WORDS = 40_000
SPACE = "\u2581"
UNKNOWN, BEGIN, END = 0, 1, 2
SPECIAL = ["<unk>", "<s>", "</s>"]
WORD = re.compile(f"{SPACE}*[^{SPACE}]+|{SPACE}+")


class Tokenizer:
    """pieces: [vocabulary] text of each token, special and byte tokens first; a later piece has a lower score, minus its index."""

    def __init__(self, pieces: list[str]):
        self.pieces = pieces
        self.ids = {piece: index for index, piece in enumerate(pieces)}
        self.words: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without the one that begins a document."""
        return [token for word in WORD.findall(text.replace(" ", SPACE)) for token in self.word(word)]

    def word(self, word: str) -> list[int]:
        known = self.words.get(word)
        if known is not None:
            return known
        parts = list(word)
        while len(parts) > 1:
            joined = [(self.ids.get(parts[at] + parts[at + 1], 1 << 30), at) for at in range(len(parts) - 1)]
            best, at = min(joined)
            if best == 1 << 30:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        tokens = [token for part in parts for token in self.part(part)]
        if len(self.words) < 1 << 20:
            self.words[word] = tokens
        return tokens

    def part(self, part: str) -> list[int]:
        known = self.ids.get(part)
        return [known] if known is not None else [len(SPECIAL) + byte for byte in part.encode()]


def train(texts: list[str], size: int) -> Tokenizer:
    """A tokenizer of `size` pieces: 3 special, 256 bytes, the characters seen at least 20 times, and pairs by how often they stand together."""
    counts = Counter(word for text in texts for word in WORD.findall(text.replace(" ", SPACE)) if len(word) <= 40)
    characters = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    kept = [character for character, count in characters.most_common() if count >= 20]
    words = [(list(word), count) for word, count in counts.most_common(MOST_WORDS) if count > 1]
    pairs, places = Counter(), defaultdict(set)
    for index, (parts, count) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += count
            places[pair].add(index)
    joined: dict[str, None] = {}
    # A count in the heap is at least the pair's own: a pair whose count fell since is put back with the count that it has.
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    while len(joined) < size - len(SPECIAL) - 256 - len(kept):
        count, pair = heapq.heappop(heap) if heap else (0, None)
        if -count < 2:
            raise ValueError(f"the text gives {len(joined)} pairs only; give more of it or a smaller vocabulary")
        if -count > pairs[pair]:
            heapq.heappush(heap, (-pairs[pair], pair))
            continue
        joined[pair[0] + pair[1]] = None
        risen = set()
        for index in list(places[pair]):
            join_in(words[index], index, pair, pairs, places, risen)
        for other in risen:
            heapq.heappush(heap, (-pairs[other], other))
        pairs[pair] = 0
    return Tokenizer(SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)] + list(joined) + kept)


def join_in(word, index, pair, pairs, places, risen):
    """Joins a pair in one word, moves the counts of the pairs around it, and adds those whose count rose to `risen`."""
    parts, count = word
    at = 0
    while at < len(parts) - 1:
        if (parts[at], parts[at + 1]) != pair:
            at += 1
            continue
        for before in range(max(0, at - 1), min(len(parts) - 1, at + 2)):
            pairs[(parts[before], parts[before + 1])] -= count
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        for after in range(max(0, at - 1), min(len(parts) - 1, at + 1)):
            pairs[(parts[after], parts[after + 1])] += count
            places[(parts[after], parts[after + 1])].add(index)
            risen.add((parts[after], parts[after + 1]))
