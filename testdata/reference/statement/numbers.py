"""Numbers that remember how they were computed, and from that their derivatives.

The derivative of an elementary function is stated here, once each. Everything else is the chain rule.
"""

from mpmath import exp, expm1, inf, log, log1p, mp, mpf

# 1 - P must keep a P of 2^-1074, the smallest number that a golden file can hold.
mp.prec = 1400


SAME = 1  # the derivative of a sum by a summand


class Impossible(Exception):
    """A term that takes part has probability 0: the loss is +inf."""


class Number:
    __slots__ = ("value", "inputs", "name")

    def __init__(self, value, inputs=(), name=None):
        """`inputs` are pairs of a number and the derivative by it; a variable has a name."""
        self.value, self.inputs, self.name = mpf(value), inputs, name

    def frozen(self):
        return Number(self.value)

    def gradient(self):
        """{name of a variable: derivative}."""
        order, seen, todo = [], set(), [(self, False)]
        while todo:
            number, is_done = todo.pop()
            if is_done:
                order.append(number)
            elif id(number) not in seen:
                seen.add(id(number))
                todo.append((number, True))
                todo += [(a, False) for a, _ in number.inputs]
        slopes, result = {id(self): mpf(1)}, {}
        for number in reversed(order):
            slope = slopes[id(number)]
            if number.name is not None:
                result[number.name] = slope
            for a, factor in number.inputs:
                part = slope if factor is SAME else factor * slope
                slopes[id(a)] = slopes[id(a)] + part if id(a) in slopes else part
        return result

    def __add__(self, other):
        return total([self, other])

    def __sub__(self, other):
        return Number(self.value - other.value, ((self, SAME), (other, -1)))

    def __neg__(self):
        return Number(-self.value, ((self, -1),))

    def __mul__(self, other):
        return Number(self.value * other.value, ((self, other.value), (other, self.value)))

    def __truediv__(self, other):
        ratio = self.value / other.value
        return Number(ratio, ((self, 1 / other.value), (other, -ratio / other.value)))

    def scaled(self, factor):
        return Number(factor * self.value, ((self, factor),))

    def exp(self):
        value = exp(self.value)
        return Number(value, ((self, value),))

    def expm1(self):
        value = expm1(self.value)
        return Number(value, ((self, value + 1),))

    def log(self):
        if self.value == 0:
            raise Impossible
        return Number(log(self.value), ((self, 1 / self.value),))

    def power(self, exponent):
        """Of a number from 0 to 1, for an exponent of 0 or above. It only ever multiplies the logarithm of 1 minus
        itself, so at 0, where the derivative may be infinite, it counts for nothing."""
        if exponent == 0:
            return Number(1)
        if self.value == 0:
            return Number(0)
        return Number(self.value**exponent, ((self, exponent * self.value ** (exponent - 1)),))

    def sigmoid(self):
        small = exp(-abs(self.value))
        value = (small if self.value < 0 else 1) / (1 + small)
        return Number(value, ((self, small / (1 + small) ** 2),))

    def softplus(self):
        """log(1 + e^x)."""
        if self.value == inf:
            raise Impossible
        small = exp(-abs(self.value))
        return Number(max(self.value, 0) + log1p(small), ((self, self.sigmoid().value),))


ONE = Number(1)


def total(numbers):
    numbers = list(numbers)
    return Number(sum((n.value for n in numbers), mpf(0)), tuple((n, SAME) for n in numbers))


def log_sum_exp(numbers):
    """Of numbers one of which is finite."""
    numbers = list(numbers)
    highest = Number(max(n.value for n in numbers))
    if highest.value == -inf:
        raise Impossible
    return total((n - highest).exp() for n in numbers).log() + highest


def focal(cost, rest, gamma):
    """(1 - P)^gamma times -log P, from -log P and 1 - P."""
    return cost if gamma == 0 else rest.power(gamma) * cost
