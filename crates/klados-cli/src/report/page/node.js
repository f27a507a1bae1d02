// The panel of the selected node: its numbers by model, and what it is confused with.

function nodePanel(page) {
  const { tree, data } = page;
  const host = element('aside', { class: 'panel', 'aria-label': 'The selected node' });
  const link = (node) => element('button', { type: 'button', class: 'link', onclick: () => page.go(node) }, tree.short(node));
  const list = (title, items, rows) => {
    if (items.length === 0) return null;
    const most = items[0].count;
    return [element('h4', {}, title), element('ol', { class: 'confused' }, items.slice(0, 8).map(({ node, count, of = rows }) =>
      element('li', { style: `--share: ${(100 * count) / most}%` }, link(node),
        element('span', {}, `${integer(count)}${of > 0 ? ` · ${percent(count / of)}` : ''}`)))),
    items.length > 8 ? paragraph(`and ${plural(items.length - 8, 'other node')}`, 'muted') : null];
  };
  /** The children by how many rows are wrong there. */
  const worstBelow = (node) => {
    const { wrong } = page.outcome();
    return tree.children[node].filter((child) => isNumber(wrong[child]) && wrong[child] > 0)
      .map((child) => ({ node: child, count: wrong[child], of: page.outcome().rows[child] })).sort((a, b) => b.count - a.count || a.node - b.node);
  };
  const draw = () => {
    const node = page.selected;
    const outcome = page.outcome();
    const path = tree.lineage(node).slice(0, -1);
    const level = data.levels?.[tree.level[node]];
    const models = data.models ?? [];
    const inside = tree.children[node].length;
    const facts = [level, inside > 0 ? plural(inside, 'child', 'children') : 'no children',
      inside > 0 ? plural(tree.classCount[node], 'class', 'classes') : null].filter(Boolean).join(' · ');
    const rows = models.map((model, index) => {
      const { rows: counted, wrong, error } = page.outcomes[index];
      return [model.name, integer(counted[node]), integer(wrong[node]), element(index === page.model ? 'b' : 'span', {}, percentage(error(node)))];
    });
    const confused = [list('Taken for', outcome.takenFor(node), outcome.rows[node]), list('Others taken for it', outcome.mistaken(node), 0)].filter(Boolean);
    host.replaceChildren(...[
      element('h3', { tabindex: -1 }, tree.short(node)),
      path.length > 0 ? element('p', { class: 'path' }, path.flatMap((at, index) => [index > 0 ? ' › ' : '', link(at)])) : null,
      paragraph(facts, 'muted'),
      rows.length > 0 && node !== tree.root ? table(`${tree.short(node)} by model`, ['', 'rows', 'wrong', 'error, %'], rows) : null,
      ...[list('Where most of it is wrong', worstBelow(node), 0)].flat(),
      ...confused.flat(),
      confused.length === 0 ? paragraph(node === tree.root ? 'Choose a node to see what it is confused with.' : 'No confusion with a node outside of it.', 'muted') : null,
    ].filter(Boolean));
  };
  page.on('node', draw);
  page.on('model', draw);
  draw();
  return host;
}
