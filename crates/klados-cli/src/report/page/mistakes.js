// The worst mistakes of the chosen model.

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
    const titles = { row: 'row', label: 'truth', predicted: 'decision', probability: 'probability', lca: 'common ancestor', height: 'its height', loss: 'log loss' };
    const keys = Object.keys(titles).filter((key) => worst.some((one) => one[key] !== undefined && one[key] !== null));
    const text = {
      row: ({ row }) => String(row),
      label: (one) => named(one.label, one.label_node),
      predicted: (one) => named(one.predicted, one.predicted_node),
      probability: (one) => percent(numeric(one.probability)),
      lca: (one) => (tree && one.lca_node >= 0 ? tree.short(one.lca_node) : one.lca ?? '–'),
      height: (one) => plain(numeric(one.height)).replace(/\.00$/, ''),
      loss: (one) => plain(numeric(one.loss)),
    };
    return host.replaceChildren(table('The worst mistakes', keys.map((key) => titles[key]), worst.slice(0, 100).map((one) => keys.map((key) => text[key](one))), { className: 'worst', left: keys.flatMap((key, index) => (['label', 'predicted', 'lca'].includes(key) ? [index] : [])) }));
  };
  page.on('model', draw);
  draw();
  return section('mistakes', 'The worst mistakes', element('p', { class: 'of-model' }),
    paragraph('Wrong, sure of it, and far off: the further up the common ancestor of truth and decision, the worse. Rows like these are worth a look at their labels, too.'), host);
}
