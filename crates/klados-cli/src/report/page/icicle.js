// The hierarchy as an icicle: the node in focus at the left, what is below it to the right, heights by rows, colour by
// error. Each cell is a button, so that it can be tabbed to, named and printed. Only what is visible is there: some
// levels below the focus, and what is too low to be read is one cell, "n more".

/** Upper ends of the colours of errors; the first is of no error, the last colour is above all. */
const ERROR_ENDS = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6];
const stepOf = (share, ends) => {
  const step = ends.findIndex((end) => share <= end + 1e-12);
  return step < 0 ? ends.length : step;
};
/** Fewer rows than this say little. */
const FEW_ROWS = 10;
const LOWEST = 16;

/** Shares `height` among `values` in their order: each gets at least `lowest`; of what has no room `rest` says how many. */
function shareHeight(values, height, lowest) {
  const room = Math.floor(height / lowest + 1e-9);
  const shown = values.length <= room ? values.length : Math.max(room - 1, 0);
  const heights = new Array(shown).fill(0);
  const rest = values.length - shown;
  let left = height - (rest > 0 ? Math.min(lowest, height) : 0);
  let sum = values.slice(0, shown).reduce((a, b) => a + b, 0);
  // From the smallest up: who gets less than the least takes the least from the others.
  const order = heights.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  order.forEach((index, place) => {
    const fair = sum > 0 ? (left * values[index]) / sum : left / (shown - place);
    heights[index] = Math.max(fair, lowest);
    left -= heights[index];
    sum -= values[index];
  });
  return { heights, rest, restHeight: height - heights.reduce((a, b) => a + b, 0) };
}

function icicle(page) {
  const { tree } = page;
  const host = element('div', { class: 'icicle', role: 'group', 'aria-label': 'The hierarchy; arrow keys move, Enter zooms in, Escape zooms out' });
  const crumbs = element('nav', { class: 'crumbs', 'aria-label': 'Path to the node in focus' });
  const back = element('button', { type: 'button', class: 'back', onclick: () => out() }, '↑ Back');
  const status = element('p', { class: 'unseen', role: 'status' });
  const tip = element('div', { class: 'tip', role: 'tooltip', hidden: true });
  let cells = [];
  /** Where one came from, so that "Back" goes there. */
  const trail = [];

  const sizeOf = () => {
    const { rows } = page.outcome();
    return page.size === 'rows' ? (node) => rows[node] ?? 0 : (node) => tree.classCount[node];
  };

  /** The cells that are seen: `{node, column, top, height}`, or `{parent, rest, from, ...}` for what is merged. */
  function layout(height, columns) {
    const size = sizeOf();
    const list = [];
    const sortedChildren = (node) => [...tree.children[node]].sort((a, b) => size(b) - size(a) || a - b);
    const place = (parent, children, from, column, top, room) => {
      const { heights, rest, restHeight } = shareHeight(children.map(size), room, LOWEST);
      let y = top;
      heights.forEach((high, index) => {
        const node = children[index];
        list.push({ node, column, top: y, height: high });
        if (column + 1 < columns && tree.children[node].length > 0) place(node, sortedChildren(node), 0, column + 1, y, high);
        y += high;
      });
      // Where not even one child has room, the cell has no text, and a stripe of each child's colour.
      if (rest > 0) list.push({ parent, merged: children.slice(heights.length), rest, isAlone: heights.length === 0, from: from + heights.length, column, top: y, height: restHeight });
    };
    list.push({ node: page.focus, column: 0, top: 0, height });
    const children = sortedChildren(page.focus);
    const before = page.from > 0 ? LOWEST + 3 : 0;
    if (before > 0) list.push({ parent: page.focus, before: page.from, column: 1, top: 0, height: before });
    place(page.focus, children.slice(page.from), page.from, 1, before, height - before);
    return list;
  }

  function draw() {
    const width = printing ? PAPER.whole : host.clientWidth;
    const height = host.clientHeight || 480;
    const deepest = 1 + (width >= 640 ? 3 : 2);
    // No empty columns: as many as there are levels below the focus.
    const under = depthBelow(page.focus, deepest - 1);
    let columns = Math.max(under + 1, 2);
    const first = 38;
    const outcome = page.outcome();
    const hadFocus = host.contains(document.activeElement);
    const known = new Map(cells.map((cell) => [cell.key, cell.button]));
    let laid = layout(height, columns);
    // Nor columns without a name in them: what is there is reached by a click.
    while (columns > 2 && laid.every((cell) => cell.column < columns - 1 || cell.isAlone)) {
      columns -= 1;
      laid = layout(height, columns);
    }
    cells = laid.map((cell) => {
      const key = cell.node === undefined ? `${cell.parent}:${cell.before === undefined ? 'more' : 'before'}` : `${cell.node}`;
      const button = known.get(key) ?? element('button', { type: 'button', tabindex: -1 }, element('span'), element('span'));
      known.delete(key);
      const wide = `calc((100% - ${first}px) / ${columns - 1})`;
      button.style.left = cell.column === 0 ? '0' : `calc(${first}px + (100% - ${first}px) * ${cell.column - 1} / ${columns - 1})`;
      button.style.width = cell.column === 0 ? `${first}px` : wide;
      button.style.top = `${cell.top.toFixed(2)}px`;
      button.style.height = `${cell.height.toFixed(2)}px`;
      const [name, number] = button.children;
      if (cell.node === undefined) {
        name.textContent = cell.isAlone ? '' : cell.before === undefined ? `${integer(cell.rest)} more` : `‹ ${integer(cell.before)} before`;
        const error = cell.merged ? errorOf(cell.merged) : null;
        number.textContent = cell.isAlone || error === null ? '' : percent(error);
        button.className = cell.isAlone ? 'alone' : `more ${error === null ? 'unknown' : `error-${stepOf(error, ERROR_ENDS)}`}`;
        button.style.backgroundImage = cell.isAlone ? stripes(cell) : '';
        button.removeAttribute('data-node');
        button.setAttribute('aria-label', `${cell.before === undefined ? `${plural(cell.rest, 'node')}, merged,` : name.textContent} below ${tree.short(cell.parent)}`);
      } else {
        const error = outcome.error(cell.node);
        name.textContent = tree.short(cell.node);
        number.textContent = error === null || cell.column === 0 ? '' : percent(error);
        const few = outcome.rows[cell.node] < FEW_ROWS && outcome.rows[cell.node] > 0;
        button.className = [error === null ? 'unknown' : `error-${stepOf(error, ERROR_ENDS)}`, few ? 'few' : '',
          cell.column === 0 ? 'focus' : '', cell.node === page.selected ? 'selected' : '',
          tree.children[cell.node].length > 0 ? 'inner' : ''].filter(Boolean).join(' ');
        button.style.backgroundImage = '';
        button.dataset.node = cell.node;
        button.setAttribute('aria-label', describe(page, cell.node));
      }
      if (button.parentNode !== host) host.append(button);
      return { ...cell, key, button };
    });
    for (const button of known.values()) button.remove();
    const current = cells.find((cell) => cell.node === page.selected) ?? cells[0];
    for (const { button } of cells) button.tabIndex = button === current.button ? 0 : -1;
    if (hadFocus) current.button.focus({ preventScroll: true });
    drawCrumbs();
  }

  /** The error of several nodes as one. */
  function errorOf(nodes) {
    const { rows, wrong } = page.outcome();
    const counted = nodes.filter((node) => rows[node] > 0 && isNumber(wrong[node]));
    const sum = (values) => counted.reduce((total, node) => total + values[node], 0);
    return counted.length > 0 ? sum(wrong) / sum(rows) : null;
  }

  /** A stripe of each merged node's colour, or of some nodes together where there are more than can be seen. */
  function stripes({ merged, height }) {
    const count = Math.max(1, Math.min(merged.length, Math.floor(height / 2)));
    const stops = Array.from({ length: count }, (_, index) => {
      const nodes = merged.slice(Math.round((index * merged.length) / count), Math.round(((index + 1) * merged.length) / count));
      const error = errorOf(nodes);
      const at = (place) => `${((100 * place) / count).toFixed(2)}%`;
      return `var(--${error === null ? 'unknown' : `error-${stepOf(error, ERROR_ENDS)}`}) ${at(index)} ${at(index + 1)}`;
    });
    return `linear-gradient(to bottom, ${stops.join(', ')})`;
  }

  function depthBelow(node, most) {
    let [level, depth] = [[node], 0];
    while (depth < most) {
      level = level.flatMap((at) => tree.children[at]);
      if (level.length === 0) break;
      depth += 1;
    }
    return depth;
  }

  function drawCrumbs() {
    const path = tree.lineage(page.focus);
    crumbs.replaceChildren(...path.flatMap((node, index) => [
      index > 0 ? element('span', { 'aria-hidden': 'true' }, '›') : '',
      index === path.length - 1 ? element('b', { 'aria-current': 'true' }, tree.short(node))
        : element('button', { type: 'button', onclick: () => page.go(node) }, tree.short(node)),
    ]));
    back.disabled = page.focus === tree.root && page.from === 0;
  }

  /** One step out. */
  function out() {
    if (page.from > 0) {
      page.from = trail.pop()?.from ?? 0;
      page.tell('node');
    } else if (tree.parent[page.focus] >= 0) page.go(tree.parent[page.focus]);
  }

  function act(cell) {
    if (cell.before !== undefined) return out();
    if (cell.node === undefined) {
      if (cell.parent === page.focus) {
        trail.push({ from: page.from });
        page.from = cell.from;
        return page.tell('node');
      }
      return page.go(cell.parent);
    }
    if (cell.column === 0) return out();
    return page.go(cell.node);
  }

  const cellOfEvent = (event) => cells.find(({ button }) => button === event.target.closest('button'));
  host.addEventListener('click', (event) => {
    const cell = cellOfEvent(event);
    if (!cell) return;
    hideTip();
    act(cell);
  });
  host.addEventListener('keydown', (event) => {
    const cell = cellOfEvent(event);
    if (!cell) return;
    const column = cells.filter((other) => other.column === cell.column).sort((a, b) => a.top - b.top);
    const place = column.indexOf(cell);
    const middle = cell.top + cell.height / 2;
    const beside = (step) => cells.filter((other) => other.column === cell.column + step)
      .sort((a, b) => (step > 0 ? Math.abs(a.top - cell.top) - Math.abs(b.top - cell.top)
        : Math.abs(a.top + a.height / 2 - middle) - Math.abs(b.top + b.height / 2 - middle)))
      .find((other) => (step > 0 ? other.top >= cell.top - 0.5 && other.top < cell.top + cell.height
        : other.top <= middle && other.top + other.height >= middle));
    const target = {
      ArrowDown: () => column[place + 1], ArrowUp: () => column[place - 1], ArrowRight: () => beside(1), ArrowLeft: () => beside(-1),
      Home: () => column[0], End: () => column[column.length - 1],
    }[event.key]?.();
    if (target) {
      for (const { button } of cells) button.tabIndex = button === target.button ? 0 : -1;
      target.button.focus();
    } else if (event.key === 'Escape' || event.key === 'Backspace') {
      hideTip();
      out();
    } else return;
    event.preventDefault();
  });

  function showTip(cell, x, y) {
    if (cell.node === undefined) return hideTip();
    tip.replaceChildren(...tooltipOf(page, cell.node));
    tip.hidden = false;
    const box = host.parentNode.getBoundingClientRect();
    const left = Math.min(Math.max(x - box.left + 14, 0), box.width - tip.offsetWidth);
    const below = y - box.top + 18;
    tip.style.left = `${left}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > window.innerHeight ? y - box.top - tip.offsetHeight - 10 : below}px`;
  }
  const hideTip = () => { tip.hidden = true; };
  host.addEventListener('pointermove', (event) => {
    const cell = event.pointerType === 'mouse' ? cellOfEvent(event) : null;
    if (cell) showTip(cell, event.clientX, event.clientY); else hideTip();
  });
  host.addEventListener('pointerleave', hideTip);
  host.addEventListener('focusin', (event) => {
    const cell = cellOfEvent(event);
    if (!cell || !event.target.matches(':focus-visible')) return;
    const box = event.target.getBoundingClientRect();
    showTip(cell, box.left, Math.min(box.bottom, box.top + 24));
  });
  host.addEventListener('focusout', hideTip);

  page.on('node', () => {
    draw();
    status.textContent = `${tree.short(page.focus)}: ${plural(tree.children[page.focus].length, 'child', 'children')}`;
  });
  page.on('model', draw);
  page.on('size', draw);
  let width = 0;
  new ResizeObserver(() => {
    if (host.clientWidth !== width && !printing) draw();
    width = host.clientWidth;
  }).observe(host);

  const legend = element('ul', { class: 'steps', 'aria-label': 'Colours: share of rows that are wrong at the node' },
    [...ERROR_ENDS.map((end, index) => [`error-${index}`, index === 0 ? '0 % wrong' : `≤ ${Math.round(100 * end)} %`]),
      [`error-${ERROR_ENDS.length}`, `> ${Math.round(100 * ERROR_ENDS[ERROR_ENDS.length - 1])} %`],
      ['error-0 few', `fewer than ${FEW_ROWS} rows`], ['unknown', 'no rows']].map(([name, text]) =>
      element('li', {}, element('i', { class: name }), text)));
  return element('div', { class: 'icicle-frame' },
    element('div', { class: 'icicle-bar' }, back, crumbs), status, element('div', { class: 'icicle-place' }, host, tip), legend);
}

/** A node in one sentence. */
function describe(page, node) {
  const { tree } = page;
  const outcome = page.outcome();
  const error = outcome.error(node);
  const inside = tree.children[node].length;
  return `${tree.path(node)}: ${error === null ? 'no rows' : `${plural(outcome.rows[node], 'row')}, ${percent(error)} wrong`}`
    + `${inside > 0 ? `, ${plural(inside, 'child', 'children')}` : ''}`;
}

function tooltipOf(page, node) {
  const { tree } = page;
  const outcome = page.outcome();
  const error = outcome.error(node);
  const most = outcome.takenFor(node)[0];
  const above = tree.parent[node] >= 0 && tree.parent[node] !== tree.root ? tree.path(tree.parent[node]) : '';
  const row = (name, value) => element('div', { class: 'tip-row' }, element('span', {}, name), element('b', {}, value));
  return [
    element('div', { class: 'tip-head' }, tree.short(node)),
    above ? element('div', { class: 'muted' }, above) : null,
    row('rows', integer(outcome.rows[node] ?? 0)),
    error === null ? null : row('wrong', `${integer(outcome.wrong[node])} (${percent(error)})`),
    most ? row('most often taken for', `${tree.short(most.node)} (${integer(most.count)})`) : null,
  ].filter(Boolean);
}
