// The worst mistakes of the chosen model.

/** So many are seen at once. */
const FIRST = 10;

function mistakes(page) {
  const { data, tree } = page;
  const models = data.models ?? [];
  if (!models.some(({ worst }) => worst?.length > 0)) return null;
  const host = element('div');
  const named = (name, node) => {
    if (!tree || !(node >= 0)) return name ?? '–';
    const above = tree.parent[node] >= 0 && tree.parent[node] !== tree.root ? tree.path(tree.parent[node]) : '';
    return element('span', {}, element('button', { type: 'button', class: 'link', onclick: () => { page.go(node); document.getElementById('hierarchy')?.scrollIntoView(); } }, tree.short(node)),
      above ? element('small', {}, above) : null);
  };
  const draw = () => {
    const worst = models[page.model].worst ?? [];
    if (worst.length === 0) return host.replaceChildren(paragraph('No mistakes were listed for this model.', 'muted'));
    const titles = { row: 'row', label: 'truth', predicted: 'decision', probability: 'probability', lca: 'in common', height: 'levels up to that', loss: 'log loss' };
    // A row whose name ends with its label is named by that.
    const repeats = worst.every(({ row, label }) => label && String(row).endsWith(label));
    const keys = Object.keys(titles).filter((key) => worst.some((one) => one[key] !== undefined && one[key] !== null) && !(key === 'row' && repeats));
    const text = {
      row: ({ row }) => String(row),
      label: (one) => named(one.label, one.label_node),
      predicted: (one) => named(one.predicted, one.predicted_node),
      probability: (one) => percent(numeric(one.probability)),
      lca: (one) => (tree && one.lca_node >= 0 ? tree.short(one.lca_node) : one.lca ?? '–'),
      height: (one) => plain(numeric(one.height)).replace(/\.00$/, ''),
      loss: (one) => plain(numeric(one.loss)),
    };
    const listed = (caption, some) => table(caption, keys.map((key) => titles[key]), some.map((one) => keys.map((key) => text[key](one))), { className: 'worst', stacked: true, left: keys.flatMap((key, index) => (['label', 'predicted', 'lca'].includes(key) ? [index] : [])) });
    const more = worst.slice(FIRST, 100);
    return host.replaceChildren(listed('The worst mistakes', worst.slice(0, FIRST)), ...(more.length > 0 ? [foldable(`${plural(more.length, 'more mistake')}`, false, listed('More of the worst mistakes', more))] : []));
  };
  page.on('model', draw);
  draw();
  return section('mistakes', 'The worst mistakes', element('p', { class: 'of-model' }),
    paragraph('Far off, and sure of it: the further up is what truth and decision have in common, and the larger the log loss, the worse. Rows like these are worth a look at their labels, too.'), host);
}
