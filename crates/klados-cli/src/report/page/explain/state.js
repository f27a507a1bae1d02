// The logits as they are moved, and what follows from them for all that is drawn.

/** So many terms have a colour of their own, the costliest first; all others share one. */
const OWN_COLOURS = 8;

/** A number as the command prints it: four decimals, or an exponent where they would not show it. */
function rounded(value) {
  if (value === null) return '';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  return (size < 1e-3 || size >= 1e6 ? value.toExponential(3) : value.toFixed(4)).replaceAll('-', '−');
}

/** The same with its sign. */
const signed = (value) => `${value > 0 ? '+' : ''}${rounded(value)}`;

/** A number in the page that changes: its text, and all its digits for who reads them by a program. */
function figure(of) {
  const host = element('data', { 'data-of': of });
  const show = (value, text = rounded(value)) => {
    host.value = String(value);
    host.textContent = text;
  };
  return { host, show };
}

/** Logits, and what the kernel makes of them. */
function makeState(data) {
  const { formulas, nodes } = data;
  const original = data.logits.map(numeric);
  const logits = [...original];
  const listeners = [];
  const drawn = nodes.flatMap(({ column }) => (column === null ? [] : [column]));
  const slots = slotsOf(formulas, original);

  const compute = () => {
    // By drawn column, what the terms of each colour add to the gradient below and above 0.
    const shares = new Map(drawn.map((column) => [column, { up: new Float64Array(slots.count), down: new Float64Array(slots.count) }]));
    const terms = [];
    const { loss, gradient } = explainRow(formulas, logits, (place, { logP, focal, value, shares: added }) => {
      terms[place] = { logP, focal, value };
      for (const [column, { up, down }] of shares) (added[column] < 0 ? up : down)[slots.of[place]] += added[column];
    });
    const scores = scoresOf(formulas, logits);
    const isNumbers = !logits.some((z) => Number.isNaN(z) || z === Infinity);
    const logP = nodes.map(({ log_p: parts }) => (parts === null ? null : isNumbers ? logPOfNode(parts, scores) : NaN));
    return { loss, gradient, terms, shares, logP };
  };

  const state = {
    data, original, logits, drawn, slots,
    first: null, now: null,
    on(listener) { listeners.push(listener); },
    tell() { for (const listener of listeners) listener(state.now); },
    isMoved: () => logits.some((z, column) => !Object.is(z, original[column])),
    /** Several moves within a frame are computed once. */
    move(column, value) {
      logits[column] = value;
      state.later();
    },
    reset() {
      original.forEach((z, column) => { logits[column] = z; });
      state.later();
    },
    later() {
      if (state.pending) return;
      state.pending = requestAnimationFrame(() => {
        state.pending = 0;
        state.now = compute();
        state.tell();
      });
    },
    pending: 0,
  };
  state.first = compute();
  state.now = state.first;
  return state;
}

/** The colour of each term, by what it costs at first. */
function slotsOf(formulas, logits) {
  const costs = [];
  explainRow(formulas, logits, (place, { value }) => { costs[place] = value; });
  const order = costs.map((_, place) => place).sort((a, b) => costs[b] - costs[a]);
  const of = new Int32Array(costs.length);
  // With one more than there are colours the last would be alone in the common one.
  const own = costs.length === OWN_COLOURS + 1 ? OWN_COLOURS : Math.min(OWN_COLOURS, costs.length);
  order.forEach((place, rank) => { of[place] = Math.min(rank, own); });
  return { of, order, count: Math.max(1, Math.min(costs.length, own + 1)), own };
}

/** The class by which the style sheet colours a slot. */
const colourOf = (slot, { own }) => (slot < own ? `term-${slot}` : 'term-others');
/** What a slot is about. */
function nameOfSlot(slot, state) {
  const { order, own } = state.slots;
  return slot < own ? state.data.terms[order[slot]] : plural(order.length - own, 'other term');
}
