// A row's loss with its gradient, and the probabilities of nodes, from formulas and logits: what `klados::explain` computes,
// in the same steps and in doubles. The formulas are the JSON of `klados::explain::Formulas`; this file needs no other.

const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
/** `ln(1 - e^x)` for `x <= 0`, with all digits on both sides. */
const complement = (x) => (x < -0.7 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x)));

// Logarithms are in two parts, `at + beyond`, of which the first is a logit as it came: differences of large ones keep their digits.
const NOTHING = { at: -Infinity, beyond: 0 };
const isNothing = ({ at, beyond }) => at + beyond === -Infinity;
const difference = (a, b) => (a.at - b.at) + (a.beyond - b.beyond);

/** Calls `visit` with the place of every score of some runs, and what is added to it. */
function eachScore(runs, visit) {
  for (const [first, count, plus = 0] of runs) {
    for (let place = first; place < first + count; place += 1) visit(place, plus === null ? -Infinity : plus);
  }
}

/** The score of a place; that of the root is 0. */
const scoreAt = (scores, place) => (place < 0 ? 0 : scores[place]);

/** `ln(sum e^x)` of some runs. */
function logSumExp(runs, scores) {
  let { at, beyond } = NOTHING;
  eachScore(runs, (place, plus) => {
    const score = scoreAt(scores, place);
    if (score + plus > at + beyond) [at, beyond] = [score, plus];
  });
  if (at + beyond === -Infinity) return NOTHING;
  let sum = 0;
  eachScore(runs, (place, plus) => { sum += Math.exp((scoreAt(scores, place) - at) + (plus - beyond)); });
  return { at, beyond: beyond + Math.log(sum) };
}

/** What a formula gives: `ln P`, `ln(1 - P)`, and the derivative of `ln P` by every score, of which `add` is told. */
const probability = (logP, logQ, slopes) => ({ logP, logQ, slopes });
const IMPOSSIBLE = probability(-Infinity, 0, () => {});

/** Tells the logarithm of each score's share in a sum. */
function eachShare(runs, total, scores, tell) {
  eachScore(runs, (place, plus) => {
    const own = { at: scoreAt(scores, place), beyond: plus };
    if (place >= 0 && !isNothing(own)) tell(place, difference(own, total));
  });
}

/** By the name of the formula. */
const FORMULAS = {
  share({ set, rest }, scores) {
    const [inside, outside] = [logSumExp(set, scores), logSumExp(rest, scores)];
    if (isNothing(inside)) return IMPOSSIBLE;
    const odds = isNothing(outside) ? -Infinity : difference(outside, inside);
    const logQ = -softplus(-odds);
    return probability(-softplus(odds), logQ, (add) => {
      eachShare(set, inside, scores, (place, share) => add(place, Math.exp(share + logQ)));
      eachShare(rest, outside, scores, (place, share) => add(place, -Math.exp(share + logQ)));
    });
  },

  ratio({ set, given, hard }, scores) {
    const [above, below] = [logSumExp(set, scores), hard ? largest(given, scores) : logSumExp(given, scores)];
    if (isNothing(above) || isNothing(below)) return IMPOSSIBLE;
    const logP = difference(above, below);
    return probability(logP, complement(Math.min(logP, 0)), (add) => {
      eachShare(set, above, scores, (place, share) => add(place, Math.exp(share)));
      if (!hard) eachShare(given, below, scores, (place, share) => add(place, -Math.exp(share)));
      else if (below.place >= 0) add(below.place, -1);
    });
  },

  paths: (choices, scores) => pathsTaken(choices, scores),

  sigmoid({ of, pick, negative }, scores) {
    const sign = negative ? -1 : 1;
    let picked = -1;
    eachScore(of, (place) => {
      const isNext = picked < 0 || (pick === 'max' ? scores[place] > scores[picked] : scores[place] < scores[picked]);
      if (isNext) picked = place;
    });
    if (picked < 0) return IMPOSSIBLE;
    const x = sign * scores[picked];
    const logQ = -softplus(x);
    return probability(-softplus(-x), logQ, (add) => add(picked, sign * Math.exp(logQ)));
  },

  noisy_or({ of, negative }, scores) {
    let sum = 0;
    eachScore(of, (place) => { sum += softplus(scores[place]); });
    // Of a sum as small as this, `1 - prod (1 - sigma(z))` is the sum, and sigmoids are exponentials, to all digits.
    const isSmall = sum < 1e-200;
    const all = logSumExp(of, scores);
    const logAny = isSmall ? all.at + all.beyond : complement(-sum);
    const sigma = (place) => Math.exp(-softplus(-scores[place]));
    const odds = Math.exp(-sum) / -Math.expm1(-sum);
    const slopes = (add) => {
      if (negative) eachScore(of, (place) => add(place, -sigma(place)));
      else if (!isSmall) eachScore(of, (place) => add(place, odds * sigma(place)));
      else if (!isNothing(all)) eachShare(of, all, scores, (place, share) => add(place, Math.exp(share)));
    };
    return negative ? probability(-sum, logAny, slopes) : probability(logAny, -sum, slopes);
  },

  weighted_sigmoid({ of, negative, excess }, scores) {
    const sign = negative ? -1 : 1;
    // `ln(w sigma(x))`, its large part apart.
    const part = (place, logWeight, side) => {
      const x = side * scores[place];
      return { at: Math.min(x, 0), beyond: logWeight - Math.log1p(Math.exp(-Math.abs(x))) };
    };
    const [all, others] = [sign, -sign].map((side) => sumOf(of, (place, plus) => part(place, plus, side)));
    if (isNothing(all)) return IMPOSSIBLE;
    const q = Math.exp(others.at + others.beyond);
    const logP = q < 0.5 ? Math.log1p(excess - q) : all.at + all.beyond;
    const logQ = negative || excess === 0 ? others.at + others.beyond : Math.log(Math.max(q - excess, 0));
    return probability(logP, logQ, (add) => eachScore(of, (place, plus) => {
      const own = part(place, plus, sign);
      if (!isNothing(own)) add(place, sign * Math.exp(difference(own, all) - softplus(sign * scores[place])));
    }));
  },
};

/** The largest score of some runs, the first of those that tie, with its place. */
function largest(runs, scores) {
  let found = NOTHING;
  eachScore(runs, (place, plus) => {
    const score = scoreAt(scores, place);
    if (score + plus > found.at + found.beyond) found = { at: score, beyond: plus, place };
  });
  return found;
}

/** `ln(sum e^x)` of what `part` makes of each score. */
function sumOf(runs, part) {
  const parts = [];
  eachScore(runs, (place, plus) => parts.push(part(place, plus)));
  const max = parts.reduce((a, b) => (b.at + b.beyond > a.at + a.beyond ? b : a), NOTHING);
  if (isNothing(max)) return NOTHING;
  return { at: max.at, beyond: max.beyond + Math.log(parts.reduce((sum, next) => sum + Math.exp(difference(next, max)), 0)) };
}

function logSumOf(values) {
  const max = Math.max(...values, -Infinity);
  return max === -Infinity ? max : max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** That one of the paths through a tree of choices is taken; a choice comes after the one that leads to it. */
function pathsTaken(choices, scores) {
  const chosen = [];
  for (let at = choices.length - 1; at >= 0; at -= 1) chosen[at] = choose(choices[at], scores, chosen);
  if (chosen.length === 0) return IMPOSSIBLE;
  const { logP, logQ } = chosen[0];
  return probability(logP, logQ, (add) => {
    if (logP === -Infinity) return;
    // How probable it is to come to a choice, over the `P` of all paths.
    const reached = choices.map((_, at) => (at === 0 ? -logP : -Infinity));
    choices.forEach((choice, at) => choiceSlopes(choice, at, chosen, reached, add));
  });
}

function choose({ given, taken }, scores, chosen) {
  const all = logSumExp(given, scores);
  const logShares = [];
  eachScore(given, (place, plus) => {
    const own = { at: scoreAt(scores, place), beyond: plus };
    logShares.push(isNothing(all) || isNothing(own) ? -Infinity : difference(own, all));
  });
  if (isNothing(all)) return { logShares, logP: -Infinity, logQ: 0 };
  const next = new Map(taken);
  const [yes, no] = [[], []];
  logShares.forEach((share, place) => {
    if (!next.has(place)) no.push(share);
    else if (next.get(place) === null) yes.push(share);
    else {
      yes.push(share + chosen[next.get(place)].logP);
      no.push(share + chosen[next.get(place)].logQ);
    }
  });
  // They make 1: the larger is taken from the smaller, which has all its digits.
  const [logYes, logNo] = [logSumOf(yes), logSumOf(no)];
  return logYes < logNo ? { logShares, logP: logYes, logQ: complement(logYes) } : { logShares, logP: complement(logNo), logQ: logNo };
}

/** `d P / d s = reached share (P after it - P here)`, and with `reached` over `P` it is that of `ln P`. */
function choiceSlopes({ given, taken }, at, chosen, reached, add) {
  const here = chosen[at];
  const after = new Map();
  for (const [place, next] of taken) {
    after.set(place, next === null ? { logP: 0, logQ: -Infinity } : chosen[next]);
    if (next !== null) reached[next] = reached[at] + here.logShares[place];
  }
  let index = 0;
  eachScore(given, (place) => {
    const { logP, logQ } = after.get(index) ?? { logP: -Infinity, logQ: 0 };
    const weight = reached[at] + here.logShares[index];
    index += 1;
    if (place < 0 || weight === -Infinity) return;
    const times = (log) => Math.exp(weight + log);
    add(place, here.logQ < here.logP ? times(here.logQ) - times(logQ) : times(logP) - times(here.logP));
  });
}

/** `P` by `{NAME: FORMULA}`. */
function evaluate(formula, scores) {
  const [[name, content]] = Object.entries(formula);
  return FORMULAS[name](content, scores);
}

/** `-(1 - P)^gamma ln P` with its factor, and minus its derivative by `ln P`. */
function costOf({ logP, logQ }, gamma) {
  if (gamma === 0) return { focal: 1, value: -logP, slope: 1 };
  const q = Math.exp(logQ);
  if (q === 0) return { focal: 0, value: 0, slope: 0 };
  const focal = q ** gamma;
  return { focal, value: focal * -logP, slope: focal + gamma * focal * (-logP / q) * Math.exp(logP) };
}

/** The scores that formulas are about: the logits, or sums of them. */
function scoresOf({ sums, scores: count }, logits) {
  if (sums === null) return logits;
  const scores = new Float64Array(count);
  sums.forEach((runs, column) => eachScore(runs, (place) => { scores[place] += logits[column]; }));
  return scores;
}

/** `ln P` of a node: the sum of its formulas. */
const logPOfNode = (formulas, scores) => formulas.reduce((sum, formula) => sum + evaluate(formula, scores).logP, 0);

/**
 * The loss of a row and its gradient. `each` is called for every term with its place and `{logP, focal, value, shares}`;
 * `shares` are what it adds to the gradient, by column, and are overwritten after the call.
 */
function explainRow(formulas, logits, each = () => {}) {
  const gradient = new Float64Array(logits.length);
  if (formulas.outcome === 'ignored') return { loss: 0, gradient };
  if (logits.some((z) => Number.isNaN(z) || z === Infinity)) return { loss: NaN, gradient: gradient.fill(NaN) };
  const { gamma, sums, terms } = formulas;
  const scores = scoresOf(formulas, logits);
  // Whether one of them is impossible has to be known before the first share.
  const isPossible = formulas.outcome !== 'impossible' && terms.every((term) => evaluate(term.log_p, scores).logP > -Infinity);
  let loss = isPossible ? 0 : Infinity;
  const shares = new Float64Array(logits.length);
  const slopes = sums === null ? shares : new Float64Array(scores.length);
  terms.forEach(({ weight, log_p: formula }, place) => {
    const at = evaluate(formula, scores);
    const { focal, value, slope } = costOf(at, gamma);
    slopes.fill(0);
    if (isPossible) at.slopes((score, derivative) => { slopes[score] += derivative; });
    for (let column = 0; column < shares.length; column += 1) {
      let derivative = 0;
      if (sums === null) derivative = slopes[column];
      else eachScore(sums[column], (score) => { derivative += slopes[score]; });
      // `+ 0` makes no negative zeros.
      shares[column] = isPossible ? -weight * slope * derivative + 0 : 0;
      gradient[column] += shares[column];
    }
    if (isPossible) loss += weight * value;
    each(place, { logP: at.logP, focal, value: weight * value, shares });
  });
  return { loss, gradient };
}
