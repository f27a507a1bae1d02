// The nodes that are drawn, as a tree: each with its probability, what the terms about it cost, the slider of its logit, and
// the arrow of its gradient.

/** No node is indented further: a chain of hundreds would be wider than any screen. */
const DEEPEST = 20;

/** The nodes in the order in which they are drawn, each with the lines of the tree that lead to it. */
function layOut({ nodes, root_is_added: isRootAdded }) {
  const children = nodes.map(() => []);
  nodes.forEach(({ parent }, place) => { if (parent !== null) children[parent].push(place); });
  const lines = [];
  // Lines are by depth: `line` goes on below, `fork` and `last` lead to the node, `none` is past.
  const pending = isRootAdded ? [] : [{ place: 0, guides: [] }];
  const push = (place, guides) => {
    const below = guides.map((guide) => (guide === 'fork' || guide === 'line' ? 'line' : 'none'));
    const isTop = place === 0 && isRootAdded;
    const lead = (isLast) => (isTop ? [] : [...below, isLast ? 'last' : 'fork']);
    // A node says itself how many of its children are not drawn; an added root has no line to say it in.
    if (isTop && nodes[place].hidden > 0) pending.push({ hidden: nodes[place].hidden, guides: [] });
    for (let index = children[place].length - 1; index >= 0; index -= 1) {
      const isLast = index === children[place].length - 1;
      pending.push({ place: children[place][index], guides: lead(isLast) });
    }
  };
  if (isRootAdded) push(0, []);
  while (pending.length > 0) {
    const line = pending.pop();
    if (line.place !== undefined) push(line.place, line.guides);
    lines.push({ ...line, isClosed: line.place !== undefined && children[line.place].length === 0 });
  }
  return lines;
}

/** The lines of the tree before a node's name. */
function guides(all, isOnPath) {
  const shown = all.slice(-DEEPEST);
  return element('span', { class: 'guides', 'aria-hidden': 'true' },
    shown.map((guide, index) => element('i', { class: `${guide}${isOnPath && index === shown.length - 1 ? ' on-path' : ''}` })));
}

const cell = (className, head, ...children) => element('div', { role: 'cell', class: className, 'data-head': head }, ...children);

/** A row of the tree. `update` shows what is computed. */
function treeRow(state, { place, guides: lead, isClosed }) {
  const node = state.data.nodes[place];
  const { column } = node;
  const [p, loss, logit, gradient] = ['p', 'loss', 'logit', 'gradient'].map(figure);
  const [fill, was] = [element('i'), element('b')];
  const hasP = node.log_p !== null;
  const slots = [...new Set(node.terms.map((term) => state.slots.of[term]))];
  const arrowPlace = element('div', { class: 'arrow-place' });
  const slider = column === null ? null : sliderOf(state, column);
  const host = element('div', { role: 'row', class: `node${node.is_on_path ? ' on-path' : ''}`, 'data-node': node.node, style: `--depth: ${Math.min(lead.length, DEEPEST)}` },
    guides(lead, node.is_on_path),
    element('div', { role: 'rowheader', class: 'name' }, breakable(node.name), node.is_label ? element('span', { class: 'badge' }, 'label') : null,
      node.hidden > 0 ? element('span', { class: 'muted' }, ` … ${integer(node.hidden)} ${isClosed ? 'below' : 'more'}`) : null,
      node.also_below.length > 0 ? element('small', { class: 'muted' }, `also below ${node.also_below.join(', ')}`) : null),
    hasP ? cell('p', 'P', element('span', { class: 'bar', 'aria-hidden': 'true' }, fill, was), p.host) : cell('p', null),
    cell('loss', node.terms.length > 0 ? 'loss' : null, slots.map((slot) => element('i', { class: `swatch ${colourOf(slot, state.slots)}` })), node.terms.length > 0 ? loss.host : null),
    slider === null ? cell('logit', null) : cell('logit', 'logit', slider.host, logit.host),
    slider === null ? cell('gradient', null) : cell('gradient', 'gradient', arrowPlace, gradient.host));
  const percentOf = (logP) => `${100 * Math.min(1, Math.exp(logP))}%`;
  if (hasP && Number.isFinite(state.first.logP[place])) was.style.left = percentOf(state.first.logP[place]);
  const update = (now, reach) => {
    if (hasP) {
      const value = Math.exp(now.logP[place]);
      p.show(value);
      p.host.title = `log P ${rounded(now.logP[place])}`;
      fill.style.width = Number.isNaN(value) ? '0' : percentOf(now.logP[place]);
    }
    loss.show(node.terms.reduce((sum, term) => sum + (now.terms[term]?.value ?? 0), 0));
    if (slider === null) return;
    logit.show(state.logits[column]);
    slider.show();
    const size = now.gradient[column];
    const way = size < 0 ? ' ↑' : size > 0 ? ' ↓' : '';
    gradient.show(size, `${signed(size)}${way}`);
    gradient.host.title = size < 0 ? 'pushed up' : size > 0 ? 'pushed down' : '';
    arrowPlace.replaceChildren(arrow(state, column, reach));
  };
  return { host, update };
}

/** The range that all sliders have, so that logits can be compared by their places. */
function rangeOf(logits) {
  const finite = logits.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite, 0), Math.max(...finite, 0)];
  const margin = Math.max(3, (high - low) / 4);
  return [Math.floor(low - margin), Math.ceil(high + margin)];
}

/** The slider of a logit; one that is masked, or no number, stays where it is. */
function sliderOf(state, column) {
  const { original, logits, data } = state;
  if (!Number.isFinite(original[column])) {
    return { host: element('span', { class: 'muted' }, original[column] === -Infinity ? 'masked' : 'no number'), show: () => {} };
  }
  const [min, max] = rangeOf(state.drawn.map((drawn) => original[drawn]));
  const input = element('input', { type: 'range', min, max, step: 'any', 'aria-label': `logit of ${data.columns[column]}`, 'data-column': column });
  input.value = String(original[column]);
  input.addEventListener('input', () => state.move(column, input.valueAsNumber));
  // A browser's own step is a hundredth of the range; a page of arrow keys is enough with steps of a tenth.
  input.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    input.value = String(Math.min(max, Math.max(min, logits[column] + step)));
    state.move(column, input.valueAsNumber);
  });
  const was = `calc(8px + (100% - 16px) * ${(original[column] - min) / (max - min)})`;
  const show = () => {
    if (input.valueAsNumber !== logits[column]) input.value = String(logits[column]);
    input.setAttribute('aria-valuetext', rounded(logits[column]));
  };
  return { host: element('span', { class: 'slider' }, element('b', { style: `left: ${was}` }), input), show };
}

/** The section. */
function treeSection(state) {
  const { data } = state;
  const lines = layOut(data);
  const hasP = data.nodes.some(({ log_p: parts }) => parts !== null);
  const rows = lines.map((line) => (line.place === undefined ? moreRow(line) : treeRow(state, line)));
  const heads = ['node', hasP ? 'P' : '', 'loss', 'logit', '← down · gradient · up →'];
  const head = element('div', { role: 'row', class: 'node head' }, heads.map((text, index) =>
    element('div', { role: 'columnheader', class: ['name', 'p', 'loss', 'logit', 'gradient'][index] }, text)));
  const missing = element('p', { class: 'muted', id: 'missing' });
  const others = figure('others');
  const isDrawn = new Set(state.drawn);
  const count = state.logits.length - isDrawn.size;
  if (count > 0) {
    missing.append(`${plural(count, 'more logit')} ${count === 1 ? 'is' : 'are'} not drawn, and count in every sum: the gradient by all of them together is `, others.host, '.');
  }
  let widest = 0;
  state.on((now) => {
    // Arrows get shorter where gradients do, and where one no longer fits, all.
    widest = Math.max(state.isMoved() ? widest : 0, reachOf(now));
    for (const { update } of rows) update(now, widest);
    others.show(now.gradient.reduce((sum, gradient, column) => (isDrawn.has(column) ? sum : sum + gradient), 0));
  });
  return section('tree', 'Probability, loss and gradient by node',
    paragraph(`${data.nodes.length === data.node_count ? 'All nodes' : 'The nodes around the label, and those of the largest gradients'}; bold is the label’s path. Move a logit, and all else follows: the bars are the probabilities, with a tick where they were at first. An arrow is what a step of training does to the logit, to the right it raises it; above it are the shares of the terms, for it and against it, in the colours that they have below.`),
    element('div', { class: `tree${hasP ? '' : ' without-p'}`, role: 'table', 'aria-label': 'Nodes' },
      element('div', { role: 'rowgroup' }, head), element('div', { role: 'rowgroup' }, rows.map(({ host }) => host))),
    count > 0 ? missing : null);
}

/** How many nodes at the top are not drawn. */
function moreRow({ hidden, guides: lead }) {
  const host = element('div', { role: 'row', class: 'node', style: '--depth: 0' },
    guides(lead, false), element('div', { role: 'rowheader', class: 'name muted' }, `… ${integer(hidden)} more`));
  return { host, update: () => {} };
}
