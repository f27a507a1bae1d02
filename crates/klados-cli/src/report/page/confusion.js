// What is taken for what: matrices that are tables, between the branches at the top and between the children of the
// node in focus.

/** Upper ends of the colours of shares of a row. */
const SHARE_ENDS = [0, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5];
/** More columns than this are not read. */
const MOST_BRANCHES = 24;

function confusions(page) {
  const { tree } = page;
  if (!page.outcomes.some(({ pairs }) => pairs.length > 0)) return null;
  // A single branch says nothing: the first node with two is the top.
  let top = tree.root;
  while (tree.children[top].length === 1) [top] = tree.children[top];
  const branches = element('div');
  const siblings = element('div');
  const pairs = element('div');
  const draw = () => {
    branches.replaceChildren(matrix(page, top, 'Between branches', 'The children of the top'));
    const focus = tree.children[page.focus].length > 0 ? page.focus : tree.parent[page.focus];
    pairs.replaceChildren(frequent(page, page.focus));
    if (tree.isBelow(top, focus)) {
      siblings.replaceChildren(element('figure', {}, element('h3', {}, 'Between siblings'), paragraph('Zoom into the hierarchy above, and the confusion between the children of that node is here.', 'muted')));
    } else siblings.replaceChildren(matrix(page, focus, `Between siblings: ${tree.short(focus)}`, `The children of ${tree.path(focus)}`));
  };
  page.on('node', draw);
  page.on('model', draw);
  draw();
  const legend = element('ul', { class: 'steps', 'aria-label': 'Colours: share of the row' },
    [...SHARE_ENDS.map((end, index) => [`share-${index}`, index === 0 ? '0 % of the row' : `≤ ${Math.round(100 * end)} %`]),
      [`share-${SHARE_ENDS.length}`, '> 50 %']].map(([name, text]) => element('li', {}, element('i', { class: name }), text)));
  return section('confusions', 'What is taken for what', element('p', { class: 'of-model' }),
    paragraph('Rows are the truth, columns the decision, numbers are counts, and the colour is the share of the row. All of it on the diagonal would be perfect; a dark cell elsewhere is a pair that the model cannot tell apart.'),
    legend, element('div', { class: 'matrices' }, branches, pairs, siblings));
}

/** The pairs of labels and decisions below a node that are confused most often, at the finest level where any repeat. */
const MOST_PAIRS = 10;
function frequent(page, top) {
  const { tree } = page;
  const wrong = page.outcome().pairsBelow(top).filter(([truth, taken]) => !tree.isBelow(truth, taken) && !tree.isBelow(taken, truth));
  if (wrong.length === 0) return '';
  const deepest = Math.max(...wrong.map(([truth]) => tree.depth[truth]));
  let most = [];
  for (let depth = deepest; depth > tree.depth[top] && !(most[0]?.[2] > 1); depth -= 1) most = pairsAt(tree, wrong, depth);
  if (!(most[0]?.[2] > 1)) return '';
  const link = (node) => element('span', {}, element('button', { type: 'button', class: 'link', onclick: () => page.go(node) }, tree.short(node)),
    tree.parent[node] >= 0 && tree.parent[node] !== tree.root ? element('small', {}, tree.path(tree.parent[node])) : null);
  const where = top === tree.root ? 'Most frequent pairs' : `Most frequent pairs below ${tree.short(top)}`;
  return element('figure', { class: 'pairs' }, element('figcaption', {}, element('h3', {}, where)),
    table(where, ['truth', 'decision', 'rows', 'of the truth, %'], most.map(([truth, taken, rows]) =>
      [link(truth), link(taken), integer(rows), percentage(rows / page.outcome().rows[truth])]), { left: [1] }));
}

/** Confused pairs with their ends no lower than `depth`, the most frequent first, as many as are listed. */
function pairsAt(tree, wrong, depth) {
  const above = (node) => {
    let at = node;
    while (tree.depth[at] > depth) at = tree.parent[at];
    return at;
  };
  const counts = new Map();
  for (const [truth, taken, rows] of wrong) {
    const [a, b] = [above(truth), above(taken)];
    if (tree.isBelow(a, b) || tree.isBelow(b, a)) continue;
    const key = a * tree.size + b;
    counts.set(key, (counts.get(key) ?? 0) + rows);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, MOST_PAIRS)
    .map(([key, rows]) => [Math.floor(key / tree.size), key % tree.size, rows]);
}

/** Counts between the children of `top`; what leaves it or stops at it has a column of its own. */
function count(page, top) {
  const { tree } = page;
  const children = tree.children[top];
  const place = new Map(children.map((node, index) => [node, index]));
  const [outside, stopped] = [children.length, children.length + 1];
  const counts = new Map();
  const totals = new Float64Array(children.length);
  const wrong = new Float64Array(children.length);
  for (const [truth, taken, rows] of page.outcome().pairsBelow(top)) {
    if (truth === top) continue;
    const row = place.get(tree.branch(truth, top));
    const column = !tree.isBelow(taken, top) ? (tree.isBelow(top, taken) ? stopped : outside)
      : taken === top ? stopped : place.get(tree.branch(taken, top));
    const key = row * (children.length + 2) + column;
    counts.set(key, (counts.get(key) ?? 0) + rows);
    totals[row] += rows;
    if (row !== column) {
      wrong[row] += rows;
      if (column < children.length) wrong[column] += rows;
    }
  }
  return { children, outside, stopped, totals, wrong, at: (row, column) => counts.get(row * (children.length + 2) + column) ?? 0 };
}

function matrix(page, top, title, caption) {
  const { tree } = page;
  const { children, outside, stopped, totals, wrong, at } = count(page, top);
  // Those with rows or mistakes, in the hierarchy's order; where there are too many, those with most mistakes.
  let shown = children.map((_, index) => index).filter((index) => totals[index] > 0 || wrong[index] > 0);
  const all = shown.length;
  if (all > MOST_BRANCHES) shown = shown.sort((a, b) => wrong[b] - wrong[a]).slice(0, MOST_BRANCHES).sort((a, b) => a - b);
  if (shown.length === 0) return element('div', {}, element('h3', {}, title), paragraph('No rows here.', 'muted'));
  const others = all > shown.length ? children.map((_, index) => index).filter((index) => !shown.includes(index)) : [];
  const extra = [
    ['other children', (row) => others.reduce((sum, column) => sum + at(row, column), 0)],
    ['elsewhere', (row) => at(row, outside)],
    ['no answer here', (row) => at(row, stopped)],
  ].filter(([, value]) => shown.some((row) => value(row) > 0));
  const cell = (value, row, isRight, name) => {
    const share = totals[row] > 0 ? value / totals[row] : 0;
    return element('td', {
      class: `${value > 0 ? `share-${stepOf(share, SHARE_ENDS)}` : 'share-0'}${isRight ? ' diagonal' : ''}`,
      title: `${tree.short(children[row])} → ${name}: ${integer(value)} of ${plural(totals[row], 'row')} (${percent(share)})`,
    }, value > 0 ? integer(value) : '');
  };
  const rows = shown.map((row) => element('tr', {},
    element('th', { scope: 'row' }, element('button', { type: 'button', class: 'link', onclick: () => page.go(children[row]) }, tree.short(children[row]))),
    shown.map((column) => cell(at(row, column), row, row === column, tree.short(children[column]))),
    extra.map(([name, value]) => cell(value(row), row, false, name))));
  const heads = [...shown.map((column) => tree.short(children[column])), ...extra.map(([name]) => name)];
  return element('figure', { class: 'matrix whole' },
    element('figcaption', {}, element('h3', {}, title),
      others.length > 0 ? paragraph(`${shown.length} of ${all} children with rows: those with most mistakes.`, 'muted') : null),
    scroller(title,
      element('table', {}, element('caption', { class: 'unseen' }, `${caption}: rows are the truth, columns the decision`),
        element('thead', {}, element('tr', {}, element('td', { class: 'corner' }, 'truth ↓ decision →'),
          heads.map((name) => element('th', { scope: 'col' }, element('span', {}, name))))),
        element('tbody', {}, rows))));
}
