"""Tests of the statement: identities between losses, numbers worked out by hand, and central differences."""

import random

from mpmath import exp, inf, log, log1p, mp, mpf

from .cut import following, is_closed
from .losses import LOSSES
from .row import Row
from .tree import Tree

SIX = {
    "edges": [[c, "mammal"] for c in ("bat", "bear", "dog")] + [[c, "bird"] for c in ("crow", "pigeon", "robin")],
    "classes": ["bat", "bear", "crow", "dog", "pigeon", "robin"],
}
# Its columns: bat, mammal, bear, dog, crow, bird, pigeon, robin.
DOGS = {
    "edges": [["poodle", "dog"], ["beagle", "dog"], ["dog", "animal"], ["cat", "animal"]],
    "classes": ["cat", "dog", "poodle", "beagle"],
}
STAR = {"edges": [[c, "root"] for c in "abcd"], "classes": list("abcd")}
DIAMOND = {
    "edges": [["x", "left"], ["x", "right"], ["y", "right"], ["left", "top"], ["right", "top"]],
    "classes": ["x", "y"],
}
KINDS = [["bat", "flies", 0.75], ["bat", "fur", 0.25], ["bear", "fur", 1.0], ["dog", "fur", 1.0]]
KINDS += [[c, "flies", 1.0] for c in ("crow", "pigeon", "robin")]
COUNTS = [
    ["mammal", 5.0],
    ["bird", 3.0],
    ["bat", 1.0],
    ["bear", 2.0],
    ["dog", 2.0],
    ["crow", 1.0],
    ["pigeon", 1.0],
    ["robin", 1.0],
]


def scores(seed, n):
    draw = random.Random(seed)
    return [mpf(draw.uniform(-3, 3)) for _ in range(n)]


def build(spec, name, options):
    return LOSSES[name](Tree(spec), options)


def loss(spec, name, options, logits, label, place=0):
    made = build(spec, name, options)
    return Row(made, logits, place).evaluate(made.parse(label))[0]


def near(a, b):
    assert a == b or abs(a - b) <= mpf(2) ** -1000 * abs(b), (mp.nstr(a, 20), mp.nstr(b, 20))


def cross_entropy(s, y):
    return log(sum(exp(x) for x in s)) - s[y]


def softplus(x):
    return log1p(exp(x))


def columns_are_nodes_by_first_appearance():
    assert Tree(SIX).nodes == ["bat", "mammal", "bear", "dog", "crow", "bird", "pigeon", "robin"]
    assert Tree(DOGS).nodes == ["poodle", "dog", "beagle", "cat", "=dog"]
    assert Tree({"edges": [["a", "r"], ["b", "r"], ["c", "b"]], "classes": ["a", "r", "c"]}).nodes == [
        "a",
        "b",
        "c",
        "=r",
    ]
    assert Tree({"edges": [["a", "b"], ["c", "d"]], "classes": ["a", "c"]}).nodes == ["a", "b", "c", "d"]


def split_mix():
    """The first two numbers of SplitMix64 with seed 0, of which `following` is one step."""
    assert following(0, 0) == 0xE220A8397B1DCDAF
    assert following(0x9E3779B97F4A7C15, 0) == 0x6E789E6AA1B965F4
    assert not any(is_closed(0.0, 1, 0, r, 2) for r in range(50)) and all(is_closed(1.0, 1, 0, r, 2) for r in range(50))
    share = sum(is_closed(0.25, 7, 0, r, c) for r in range(400) for c in range(10)) / 4000
    assert abs(share - 0.25) < 0.03, share


def random_cut_that_closes_nothing_or_all():
    s = scores(1, 8)
    leaves, tops = [0, 2, 4, 3, 6, 7], [1, 5]
    for k, name in enumerate(SIX["classes"]):
        near(loss(SIX, "random_cut", {"p": 0.0}, s, name), cross_entropy([s[j] for j in leaves], k))
        top = 0 if name in ("bat", "bear", "dog") else 1
        near(loss(SIX, "random_cut", {"p": 1.0}, s, name), cross_entropy([s[j] for j in tops], top))


def random_cut_between():
    """p = 0.5: each of the four cuts, by the two draws of the row."""
    s, seen = scores(2, 8), set()
    for place in range(20):
        mammal, bird = (is_closed(0.5, 3, 0, place, column) for column in (1, 5))
        ends = [1] if mammal else [0, 2, 3]
        ends += [5] if bird else [4, 6, 7]
        seen.add((mammal, bird))
        at = [s[j] for j in ends]
        near(
            loss(SIX, "random_cut", {"p": 0.5, "seed": 3}, s, "dog", place),
            cross_entropy(at, ends.index(1 if mammal else 3)),
        )
    assert len(seen) == 4


def margin_of_nothing_is_a_softmax_over_nodes_and_root():
    s = scores(3, 8)
    for y, name in enumerate(Tree(SIX).nodes):
        near(loss(SIX, "softmax_margin", {"tau": 0.0}, s, name), cross_entropy(s + [0], y))


def margin_by_hand():
    """From bat: itself 0, mammal 1, bear, dog and the root 2, bird 3, the birds 4."""
    s = scores(4, 8)
    m = [0, 1, 2, 2, 4, 3, 4, 4]
    raised = [x + mpf(0.5) * d for x, d in zip(s, m)] + [mpf(1)]
    near(loss(SIX, "softmax_margin", {"tau": 0.5}, s, "bat"), log(sum(map(exp, raised))) - s[0])
    near(loss(SIX, "softmax_margin", {"tau": 0.5, "hard": True}, s, "bat"), max(raised) - s[0])


def noisy_or_of_classes_is_bce():
    s = scores(5, 6)
    for y, name in enumerate(SIX["classes"]):
        by_hand = sum(softplus(-x if j == y else x) for j, x in enumerate(s))
        options = {"form": "noisy_or", "weights": "leaves"}
        near(loss(SIX, "binary_cross_entropy", options, s, name), by_hand)
        # A map without superclasses leaves the classes.
        near(loss(SIX, "binary_cross_entropy", {"form": "weighted", "map": []}, s, name), by_hand)


def noisy_or_by_hand():
    """Not a mammal: none of the three."""
    s = scores(6, 6)
    no = [1 / (1 + exp(x)) for x in s]
    mammal, bird = no[0] * no[1] * no[3], no[2] * no[4] * no[5]
    options = {"form": "noisy_or", "weights": {"levels": [1]}}
    near(loss(SIX, "binary_cross_entropy", options, s, "mammal"), -log(1 - mammal) - log(bird))
    near(loss(SIX, "binary_cross_entropy", options, s, "bat;crow"), -log(1 - mammal) - log(1 - bird))
    near(
        loss(SIX, "binary_cross_entropy", {**options, "gamma": 2}, s, "mammal"),
        -(mammal**2) * log(1 - mammal) - (1 - bird) ** 2 * log(bird),
    )


def noisy_or_keeps_the_smallest():
    """P(mammal) is about 3 e^-1000."""
    cost = loss(
        SIX, "binary_cross_entropy", {"form": "noisy_or", "weights": {"levels": [1]}}, [mpf(-1000)] * 6, "mammal"
    )
    assert abs(cost - (1000 - log(3))) < mpf(10) ** -400


def bce_by_hand():
    s = scores(7, 8)
    positive, pos_weight = {0, 1}, [2, 1, 1, 1, 1, 1, 1, 3]
    by_hand = sum(w * softplus(-x) if j in positive else softplus(x) for j, (x, w) in enumerate(zip(s, pos_weight)))
    near(loss(SIX, "binary_cross_entropy", {"pos_weight": pos_weight}, s, "bat"), by_hand)
    near(loss(SIX, "binary_cross_entropy", {}, s, ";"), sum(map(softplus, s)))
    masked = {"set": ["bat"], "masked": ["dog", "mammal"]}
    near(
        loss(SIX, "binary_cross_entropy", {}, s, masked), softplus(-s[0]) + sum(softplus(s[j]) for j in (2, 4, 5, 6, 7))
    )
    known = softplus(-s[1]) + sum(softplus(s[j]) for j in (4, 5, 6, 7))
    near(loss(SIX, "binary_cross_entropy", {"incomplete": True}, s, "mammal"), known)
    made = build(SIX, "binary_cross_entropy", {"incomplete": True})
    counts = [
        made.count(made.parse(label)) for label in ("mammal", "bat", ";", "", masked, {"soft": [0.5, 0.5, 0, 0, 0, 0]})
    ]
    assert counts == [5, 8, 8, 0, 6, 8], counts


def weighted_bce_by_hand():
    """flies = (0.5 bat + 0.25 crow + 0.25 robin), and bat is wanted."""
    s = scores(8, 6)
    p = [1 / (1 + exp(-x)) for x in s]
    options = {"form": "weighted", "map": [["bat", "flies", 2.0], ["crow", "flies", 1.0], ["robin", "flies", 1.0]]}
    options.update(normalize=True, pos_weight=[3, 1, 1, 1, 1, 1, 1])
    flies = p[0] / 2 + p[2] / 4 + p[5] / 4
    by_hand = -3 * log(flies) / 2 - log(1 - flies) / 2 + softplus(-s[0]) + sum(softplus(x) for x in s[1:])
    near(loss(SIX, "binary_cross_entropy", options, s, "bat"), by_hand)
    options.update(incomplete=True)
    near(loss(SIX, "binary_cross_entropy", options, s, "bird"), sum(softplus(s[j]) for j in (0, 1, 3)))


def coherent_scores_need_no_max_and_no_min():
    s = scores(9, 8)
    s[1], s[5] = max(s[0], s[2], s[3]) + 1, max(s[4], s[6], s[7]) + 1
    for label in ("dog", "bat;crow", "bird;dog"):
        plain = loss(SIX, "binary_cross_entropy", {"gamma": 1.5}, s, label)
        near(loss(SIX, "tree_min", {"gamma": 1.5}, s, label), plain)
        if label == "bird;dog":  # the largest of the positive nodes of bird is bird itself
            near(loss(SIX, "binary_cross_entropy", {"form": "max", "gamma": 1.5}, s, label), plain)


def max_by_hand():
    """bat 2, mammal -1, bear 3; dog is wanted with 1: mammal has the score of dog, 1."""
    s = [mpf(x) for x in (2, -1, 3, 1, -2, -3, -4, -5)]
    by_hand = 2 * softplus(mpf(-1)) + softplus(mpf(2)) + softplus(mpf(3))
    by_hand += sum(map(softplus, (mpf(-2), mpf(-2), mpf(-4), mpf(-5))))
    near(loss(SIX, "binary_cross_entropy", {"form": "max"}, s, "dog"), by_hand)
    by_hand = 2 * softplus(mpf(1)) + softplus(mpf(2)) + softplus(mpf(3))
    by_hand += sum(map(softplus, (mpf(-2), mpf(-2), mpf(-4), mpf(-5))))
    near(loss(SIX, "tree_min", {}, s, "dog"), by_hand)
    # Below a coarse label nothing is known; of the set it is known that it is not there.
    known = softplus(mpf(1)) + sum(map(softplus, (mpf(-2), mpf(-2), mpf(-4), mpf(-5))))
    near(loss(SIX, "tree_min", {}, s, "mammal"), known)
    near(
        loss(SIX, "tree_min", {}, s, {"set": ["mammal"], "masked": []}),
        known + softplus(mpf(2)) + softplus(mpf(3)) + softplus(mpf(1)),
    )


def conditional_sigmoid_by_hand():
    s = scores(10, 8)
    top = softplus(-s[1]) + softplus(s[5])
    near(loss(SIX, "conditional_sigmoid", {}, s, "mammal"), top)
    near(loss(SIX, "conditional_sigmoid", {}, s, "dog"), top + softplus(s[0]) + softplus(s[2]) + softplus(-s[3]))
    near(loss(SIX, "conditional_sigmoid", {}, s, ";"), softplus(s[1]) + softplus(s[5]))
    both = softplus(-s[1]) + softplus(-s[5]) + softplus(-s[0]) + softplus(s[2]) + softplus(-s[3])
    near(loss(SIX, "conditional_sigmoid", {}, s, "bat;dog;bird"), both)


def softmaxes_of_a_star_are_one():
    s = scores(11, 4)
    options = {"label_smoothing": 0.1, "gamma": 1.5, "class_weight": [1, 2, 0.5, 3]}
    soft = {"soft": [0.5, 0.25, 0.25, 0.0]}
    for label in ("a", "c", "a|d", soft):
        wanted = loss(STAR, "marginal_cross_entropy", {**options, "weights": "leaves"}, s, label)
        for name in ("sibling_softmax", "levelwise_softmax", "parameter_sharing_softmax", "weighted_cross_entropy"):
            if "a|d" != label or name in ("sibling_softmax", "parameter_sharing_softmax"):
                near(loss(STAR, name, options, s, label), wanted)
    near(loss(STAR, "descendant_softmax", {}, s, "b"), cross_entropy(s, 1))


def sibling_softmax_by_hand():
    s = scores(12, 8)
    top, below = cross_entropy([s[1], s[5]], 0), cross_entropy([s[0], s[2], s[3]], 2)
    near(loss(SIX, "sibling_softmax", {}, s, "dog"), top + below)
    near(loss(SIX, "sibling_softmax", {"alpha": 0.5}, s, "dog"), top + exp(mpf(-0.5)) * below)
    near(loss(SIX, "sibling_softmax", {}, s, "mammal"), top)
    dog = cross_entropy([s[0], s[2], s[3]], 2) + top
    crow = cross_entropy([s[4], s[6], s[7]], 0) + cross_entropy([s[1], s[5]], 1)
    near(loss(SIX, "sibling_softmax", {}, s, "dog|crow"), -log(exp(-dog) + exp(-crow)))
    near(loss(SIX, "sibling_softmax", {}, s, "dog|mammal"), top)
    # log(5/8), log(3/8); log(1/5), log(2/5), log(2/5)
    adjusted = cross_entropy([s[1] + 2 * log(mpf(5)), s[5] + 2 * log(mpf(3))], 0)
    adjusted += cross_entropy([s[0], s[2] + 2 * log(mpf(2)), s[3] + 2 * log(mpf(2))], 2)
    near(loss(SIX, "sibling_softmax", {"tau": 2.0, "frequencies": COUNTS}, s, "dog"), adjusted)


def only_children_cost_nothing():
    chain = {"edges": [["a", "b"], ["b", "c"]], "classes": ["a"]}
    assert loss(chain, "sibling_softmax", {"alpha": 0.1}, [mpf(3), mpf(-4)], "a") == 0
    assert loss(chain, "sibling_softmax", {"alpha": 0.1}, [mpf(3), -mpf(inf)], "a") == inf


def levelwise_softmax_by_hand():
    s = scores(13, 8)
    leaves = [0, 2, 3, 4, 6, 7]
    by_hand = cross_entropy([s[1], s[5]], 0) + cross_entropy([s[j] for j in leaves], 2) / 2
    near(loss(SIX, "levelwise_softmax", {"weights": {"levels": [1, 0.5]}}, s, "dog"), by_hand)


def parameter_sharing_by_hand():
    s = scores(14, 8)
    z = [s[0] + s[1], s[2] + s[1], s[4] + s[5], s[3] + s[1], s[6] + s[5], s[7] + s[5]]
    for options, label in (
        ({}, "dog"),
        ({"weights": "uniform", "gamma": 2}, "bird"),
        ({"label_smoothing": 0.1}, "dog|crow"),
    ):
        near(
            loss(SIX, "parameter_sharing_softmax", options, s, label),
            loss(SIX, "marginal_cross_entropy", {"weights": "leaves", **options}, z, label),
        )
    s = scores(15, 4)  # x, left, right, y: each ancestor once
    near(loss(DIAMOND, "parameter_sharing_softmax", {}, s, "x"), cross_entropy([s[0] + s[1] + s[2], s[3] + s[2]], 0))


def descendant_softmax_by_hand():
    """For dog: at the mammals, then at the children of mammal, which has itself for a rival but in the logarithm."""
    s = scores(16, 8)
    birds = sum(exp(s[j]) for j in (4, 5, 6, 7))
    by_hand = -s[1] + log(exp(s[1]) + birds) - s[3] + log(exp(s[3]) + exp(s[0]) + exp(s[2]) + birds)
    near(loss(SIX, "descendant_softmax", {}, s, "dog"), by_hand)


def weighted_cross_entropy_by_hand():
    s = scores(17, 6)
    z = sum(map(exp, s))
    p = [exp(x) / z for x in s]
    fur, flies = p[0] / 4 + p[1] + p[3], 3 * p[0] / 4 + p[2] + p[4] + p[5]
    options = {"map": KINDS, "leaf_weight": 2, "superclass_weight": 3}
    near(
        loss(SIX, "weighted_cross_entropy", options, s, "bat"), -2 * log(p[0]) - 3 * (log(fur) / 4 + 3 * log(flies) / 4)
    )
    near(loss(SIX, "weighted_cross_entropy", options, s, "flies"), -3 * log(flies))
    groups = [[c, p, 1.0] for c, p in SIX["edges"]]
    for label in ("dog", {"class": 2}):
        marginal = loss(SIX, "marginal_cross_entropy", {}, s, label)
        near(loss(SIX, "weighted_cross_entropy", {"map": groups}, s, label), marginal)
    made = build(SIX, "weighted_cross_entropy", {"map": KINDS, "class_weight": [1, 2, 3, 4, 5, 6]})
    assert made.count(made.parse("fur")) == mpf(7) / 3
    # Only the leaf is masked, and has no term.
    masked = [-mpf(inf)] + s[1:]
    assert loss(SIX, "weighted_cross_entropy", {**options, "leaf_weight": 0}, masked, "bat") < inf
    assert loss(SIX, "weighted_cross_entropy", options, masked, "bat") == inf


def masked_nodes():
    s = scores(18, 8)
    s[3] = -mpf(inf)
    assert loss(SIX, "sibling_softmax", {}, s, "dog") == inf
    near(loss(SIX, "sibling_softmax", {}, s, "bat"), cross_entropy([s[1], s[5]], 0) + cross_entropy([s[0], s[2]], 0))
    assert loss(SIX, "binary_cross_entropy", {}, s, "dog") == inf
    near(
        loss(SIX, "binary_cross_entropy", {}, s, "mammal"),
        softplus(-s[1]) + sum(softplus(s[j]) for j in (0, 2, 4, 5, 6, 7)),
    )
    half = {"soft": [0.25, 0.0, 0.0, 0.5, 0.25, 0.0]}
    rest = {"soft": [0.5, 0.0, 0.0, 0.0, 0.5, 0.0]}
    near(loss(SIX, "sibling_softmax", {}, s, half), loss(SIX, "sibling_softmax", {}, s, rest))


def the_root_as_a_label():
    """Nothing is asked of what is at or below a single label; the empty set is asked for everything."""
    six = {**SIX, "edges": SIX["edges"] + [["mammal", "animal"], ["bird", "animal"]]}
    s = scores(19, 8)
    for name in ("conditional_sigmoid", "tree_min"):
        assert loss(six, name, {}, s, "animal") == 0
        assert loss(six, name, {}, s, ";") == loss(six, name, {}, s, {"set": ["animal"], "masked": []}) > 0
    near(loss(six, "binary_cross_entropy", {}, s, "animal"), loss(six, "binary_cross_entropy", {}, s, ";"))


def rows_that_are_all_masked():
    none, nothing = [-mpf(inf)] * 8, {"class_weight": [1, 1, 1, 0, 1, 1]}
    for name in (
        "marginal_cross_entropy",
        "weighted_cross_entropy",
        "parameter_sharing_softmax",
        "sibling_softmax",
        "descendant_softmax",
    ):
        n = len(build(SIX, name, {}).names())
        assert loss(SIX, name, {}, none[:n], "dog") == inf
        assert loss(SIX, name, nothing, none[:n], "dog") == 0
    assert loss(SIX, "tree_min", {}, none, ";") == 0
    # A mammal is still possible: only the classes below it are not.
    below = [-mpf(inf), mpf(1), -mpf(inf), -mpf(inf), -mpf(inf), mpf(2), -mpf(inf), -mpf(inf)]
    near(loss(SIX, "sibling_softmax", {}, below, "mammal"), cross_entropy([mpf(1), mpf(2)], 0))


def gradients_are_central_differences():
    step = mpf(2) ** -300
    soft = {"soft": [0.5, 0.25, 0.0, 0.0, 0.0, 0.25]}
    options = {
        "marginal_cross_entropy": {"gamma": 2, "label_smoothing": 0.1},
        "hierarchical_cross_entropy": {"gamma": 0.5},
        "soft_labels": {"beta": 3, "gamma": 1},
        "weighted_cross_entropy": {"map": KINDS, "gamma": 2, "label_smoothing": 0.1},
        "parameter_sharing_softmax": {"weights": "balanced", "gamma": 0.5},
        "sibling_softmax": {"tau": 1, "frequencies": COUNTS, "gamma": 2},
        "levelwise_softmax": {"weights": "lazy", "gamma": 0.5},
        "descendant_softmax": {},
        "softmax_margin": {},
        "random_cut": {"p": 0.5},
        "conditional_sigmoid": {"weights": {"levels": [1, 0.5]}},
        "tree_min": {"gamma": 2},
    }
    cases = list(options.items())
    for form in ("independent", "noisy_or", "max", "weighted"):
        by_column = {"map": [["bat", "fur", 0.25], ["dog", "fur", 0.75]]} if form == "weighted" else {}
        cases.append(("binary_cross_entropy", {"form": form, "gamma": 2, "pos_weight": 2, **by_column}))
    assert {name for name, _ in cases} == set(LOSSES)
    for name, chosen in cases:
        made = build(SIX, name, chosen)
        s = scores(name, len(made.names()))
        for text in ("dog", "bird" if name not in ("weighted_cross_entropy", "random_cut") else "bat", soft):
            if name == "soft_labels" and text == soft:
                continue
            label = made.parse(text)
            slope = Row(made, s).evaluate(label)[1]
            for j in range(len(s)):
                ends = [
                    Row(made, [x + d if i == j else x for i, x in enumerate(s)]).evaluate(label)[0]
                    for d in (step, -step)
                ]
                differences = (ends[0] - ends[1]) / (2 * step)
                assert abs(differences - slope.get(j, 0)) < mpf(2) ** -500, (name, text, j)


TESTS = [
    columns_are_nodes_by_first_appearance,
    split_mix,
    random_cut_that_closes_nothing_or_all,
    random_cut_between,
    margin_of_nothing_is_a_softmax_over_nodes_and_root,
    margin_by_hand,
    noisy_or_of_classes_is_bce,
    noisy_or_by_hand,
    noisy_or_keeps_the_smallest,
    bce_by_hand,
    weighted_bce_by_hand,
    coherent_scores_need_no_max_and_no_min,
    max_by_hand,
    conditional_sigmoid_by_hand,
    softmaxes_of_a_star_are_one,
    sibling_softmax_by_hand,
    only_children_cost_nothing,
    levelwise_softmax_by_hand,
    parameter_sharing_by_hand,
    descendant_softmax_by_hand,
    weighted_cross_entropy_by_hand,
    masked_nodes,
    the_root_as_a_label,
    rows_that_are_all_masked,
    gradients_are_central_differences,
]


def run():
    """The number of tests that fail."""
    failures = 0
    for test in TESTS:
        try:
            test()
        except AssertionError as error:
            failures += 1
            print(f"{test.__name__}: {error}")
    print(f"the statement itself: {len(TESTS)} tests")
    return failures
