"""The draw of the random cut."""

WORD = 2**64 - 1


def mix(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & WORD
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & WORD
    return x ^ x >> 31


def following(h, v):
    return mix((h ^ v) + 0x9E3779B97F4A7C15 & WORD)


def is_closed(p, seed, step, row, column):
    h = 0
    for v in (seed, step, row, column):
        h = following(h, v)
    return (h >> 11) * 2.0**-53 < p
