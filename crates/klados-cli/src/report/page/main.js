// The page: its state, and its sections in their order.

const page = {
  data: JSON.parse(document.getElementById('report-data').textContent),
  tree: null,
  outcomes: [],
  /** The chosen model, the node in focus with how many of its children are skipped, and the selected node. */
  model: 0, focus: 0, from: 0, selected: 0, size: 'rows',
  listeners: { model: [], node: [], size: [] },
  on(what, listener) { this.listeners[what].push(listener); },
  tell(what) { for (const listener of this.listeners[what]) listener(); },
  outcome() { return this.outcomes[this.model]; },
  /** Selects a node, and zooms to it, or to its parent where nothing is below it. */
  go(node) {
    const { tree } = this;
    const focus = tree.children[node].length > 0 || tree.parent[node] < 0 ? node : tree.parent[node];
    this.from = focus === this.focus ? this.from : 0;
    Object.assign(this, { selected: node, focus });
    this.tell('node');
  },
};

function hierarchySection() {
  const { tree, data } = page;
  const hasRows = page.outcomes.some(({ rows }) => rows.length > 0);
  if (!tree || !hasRows) return null;
  const size = choice('Heights by', ['rows', 'classes'], 0, (index) => {
    page.size = ['rows', 'classes'][index];
    page.tell('size');
  });
  const rows = () => [['node', 'rows', 'wrong', 'error, %'], [page.focus, ...tree.children[page.focus]].map((node) =>
    [tree.path(node), integer(page.outcome().rows[node]), integer(page.outcome().wrong[node]), percentage(page.outcome().error(node))])];
  const host = element('div');
  const fill = () => host.replaceChildren(tableOf('The node in focus and its children', rows));
  page.on('node', fill);
  page.on('model', fill);
  fill();
  return section('hierarchy', 'Where in the hierarchy it goes wrong', element('p', { class: 'of-model' }),
    paragraph(`${integer(tree.size)} nodes, from coarse at the left to fine at the right. A cell’s height is its number of rows, its number and colour the share of them where the decision is wrong there: dark spots are where to look. Click a cell to zoom in.`),
    element('div', { class: 'tools' }, search(page), size),
    element('div', { class: 'beside' }, element('div', {}, icicle(page), host), nodePanel(page)));
}

/** What was evaluated, in a line. */
function facts() {
  const { rows, ignored, set, levels = [], models = [] } = page.data;
  return [
    isNumber(rows) ? `${plural(rows, 'row')}${set ? ` (${set})` : ''}` : null,
    ignored > 0 ? `${integer(ignored)} without a label, left out` : null,
    levels.length > 0 ? `levels ${levels.join(' › ')}` : null,
    page.tree ? plural(page.tree.size, 'node') : null,
    models.length > 1 ? plural(models.length, 'model') : null,
    models.length > 0 && new Set(models.map(({ decision }) => JSON.stringify(decision))).size === 1 && models[0].decision
      ? `decision ${typeof models[0].decision === 'string' ? models[0].decision : JSON.stringify(models[0].decision)}` : null,
  ].filter(Boolean);
}

function start() {
  const { data } = page;
  const models = data.models ?? [];
  if (data.hierarchy?.name?.length > 0) {
    page.tree = makeTree(data.hierarchy);
    page.focus = page.tree.root;
    page.selected = page.tree.root;
    page.outcomes = models.map((model) => makeOutcome(page.tree, model));
  }
  const sections = [summary(page), accuracies(page), decisions(page), comparisons(page), curves(page), reliability(page), hierarchySection(),
    page.tree ? confusions(page) : null, mistakes(page), training(page), galleries(page)].filter(Boolean);
  document.getElementById('sections').append(...sections);
  const titles = { summary: 'Summary', levels: 'Levels', decisions: 'Decisions', comparisons: 'Comparisons', curves: 'Curves', calibration: 'Calibration', hierarchy: 'Hierarchy', confusions: 'Confusions', mistakes: 'Mistakes', training: 'Training', pictures: 'Pictures' };
  const contents = document.getElementById('contents');
  contents.append(...sections.map(({ id }) => element('a', { href: `#${id}` }, titles[id])));
  if (models.length > 1) {
    document.getElementById('aside').append(choice('Model', models.map(({ name }) => name), 0, (index) => {
      page.model = index;
      tellModel();
      page.tell('model');
    }));
    tellModel();
  }
  document.getElementById('facts').replaceChildren(...facts().flatMap((fact, index) => [index > 0 ? ' · ' : '', element('span', {}, fact)]));
  drawCharts();
  if (page.tree) page.tell('node');
  document.documentElement.dataset.ready = 'true';
}

/** Sections that show one model say which. */
function tellModel() {
  const { name } = page.data.models[page.model];
  document.querySelectorAll('.of-model').forEach((line) => line.replaceChildren('Model: ', element('b', {}, name)));
}

start();
