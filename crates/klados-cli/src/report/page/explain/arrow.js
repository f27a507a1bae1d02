// The gradient of a logit as an arrow: right where a step of training raises the logit, left where it lowers it. The shares of
// the terms stand above it, in their colours.

/** An element of a drawing. */
function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The largest of what is pushed either way, in what is drawn: the length from the middle to the edge. */
function reachOf({ shares, gradient }) {
  let reach = 0;
  for (const [column, { up, down }] of shares) {
    const [ups, downs] = [up, down].map((all) => all.reduce((sum, share) => sum + Math.abs(share), 0));
    reach = Math.max(reach, ups, downs, Math.abs(gradient[column]));
  }
  return reach;
}

/** The arrow of a column. */
function arrow(state, column, reach) {
  const { shares, gradient } = state.now;
  const { up, down } = shares.get(column);
  const at = (value) => `${50 + (reach > 0 ? (48 * value) / reach : 0)}%`;
  const parts = [];
  // Up is against the gradient.
  for (const [all, side] of [[up, 1], [down, -1]]) {
    let from = 0;
    all.forEach((share, slot) => {
      if (share === 0) return;
      const size = Math.abs(share);
      const [low, high] = side > 0 ? [from, from + size] : [-from - size, -from];
      const width = `${reach > 0 ? (48 * (high - low)) / reach : 0}%`;
      parts.push(drawing('rect', { x: at(low), width, y: 1, height: 9, class: colourOf(slot, state.slots) },
        drawing('title', {}, `${nameOfSlot(slot, state)} ${signed(share)}`)));
      from += size;
    });
  }
  const length = -gradient[column];
  const tip = at(length);
  const isArrow = Number.isFinite(length) && length !== 0;
  // A head would be longer than the arrow.
  const hasHead = Math.abs(length) > 0.05 * reach;
  return drawing('svg', { class: 'arrow', width: '100%', height: 22, 'aria-hidden': 'true' },
    ...parts,
    drawing('line', { class: 'zero', x1: '50%', x2: '50%', y1: 0, y2: 22 }),
    ...(isArrow ? [
      drawing('line', { class: 'shaft', x1: '50%', x2: tip, y1: 16, y2: 16 }),
      ...(hasHead ? [drawing('svg', { x: tip, y: 16, overflow: 'visible' }, drawing('path', { class: 'arrowhead', d: length > 0 ? 'M1 0 L-5 -4.5 V4.5 Z' : 'M-1 0 L5 -4.5 V4.5 Z' }))] : []),
    ] : []));
}
