// The first section: what a reader wants to know before anything else.

/** The metrics of a model and of its levels, by key, as the table lists them. */
function keysOf(models) {
  const keys = new Set();
  for (const model of models) for (const [key, metric] of Object.entries(model.metrics ?? {})) if (valueOf(metric) !== null) keys.add(key);
  return inOrder([...keys]);
}

/** Short titles of the large numbers. */
const TILES = { hierarchical_f1_micro: 'Hierarchical F1', mistake_severity: 'Severity of mistakes', auprc_micro: 'Average precision', auprc_macro: 'Average precision, mean of nodes' };

/** The large numbers on top: of the chosen model. */
function tiles(data, model) {
  const levels = model.levels ?? [];
  const finest = levels[levels.length - 1];
  const made = [];
  const add = (metric, key, title, says) => {
    const { isShare } = metricOf(key);
    if (!isNumber(valueOf(metric))) return;
    const interval = intervalOf(metric);
    made.push(element('div', { class: 'tile' },
      element('div', { class: 'tile-title' }, title),
      element('div', { class: 'tile-value' }, inUnit(valueOf(metric), isShare), isShare ? element('small', {}, ' %') : null),
      element('div', { class: 'muted' }, interval ? `${range(interval, isShare)}${isShare ? ' %' : ''}` : says)));
  };
  if (finest) add(finest.accuracy ?? null, 'accuracy', `Right at ${finest.level}`, `${plural(finest.rows ?? 0, 'row')}`);
  if (levels.length > 1) add(levels[0].accuracy ?? null, 'accuracy', `Right at ${levels[0].level}`, `${plural(levels[0].rows ?? 0, 'row')}`);
  const metrics = model.metrics ?? {};
  for (const key of ['auprc_micro', 'auprc_macro', 'violations', 'mistake_severity', 'hierarchical_f1_micro', 'hierarchical_f1']) {
    if (made.length < 4 && key in metrics) add(metrics[key], key, TILES[key] ?? metricOf(key).title, metricOf(key).says);
  }
  if (made.length < 5 && finest) add(finest.ece, 'ece', `Calibration error at ${finest.level}`, 'confidence against accuracy');
  return element('div', { class: 'tiles' }, made);
}

function summary(page) {
  const { data } = page;
  const models = data.models ?? [];
  const about = models.filter((model) => model.about && model.about !== model.name);
  const list = about.length > 0 ? element('dl', { class: 'about' }, models.flatMap((model, index) => {
    const name = element('dt');
    name.innerHTML = models.length > 1 ? sample(index) : '';
    name.append(model.name);
    return [name, element('dd', {}, model.about && model.about !== model.name ? model.about : '')];
  })) : null;
  const keys = keysOf(models);
  const host = element('div');
  page.on('model', () => host.replaceChildren(tiles(data, models[page.model])));
  host.append(models.length > 0 ? tiles(data, models[page.model]) : '');
  const hasIntervals = models.some((model) => Object.values(model.metrics ?? {}).some(intervalOf));
  return section('summary', 'At a glance', models.length > 1 ? element('p', { class: 'of-model' }) : null, host, list,
    keys.length > 0 ? paragraph(['Arrows say which way is better.', models.length > 1 ? 'Bold is the best as printed; whether a difference is more than chance, the comparisons say.' : null,
      hasIntervals ? `Small, beside or below a value, is its ${data.confidence ? `${chosenShare(data.confidence)} ` : ''}interval.` : null].filter(Boolean).join(' '), 'muted') : null,
    inFamilies(keys).map(([title, some], index) => family(models, title, some, index === 0)));
}

/** The metrics of a family, a line each. What is of probabilities alone has a column for each model that has its own. */
function family(models, title, keys, isOpen) {
  const same = (model) => keys.every((key) => sameValue(model.metrics?.[key], models[ownerOf(models, model)].metrics?.[key]));
  const shown = models.every(same) ? distinct(models).map((index) => models[index]) : models;
  const names = models.length === shown.length ? shown.map(({ name }) => name) : shown.map(probabilitiesOf);
  const rows = keys.map((key) => {
    const metric = metricOf(key);
    const best = bestOf(shown.map((model) => valueOf(model.metrics?.[key])), metric);
    return [
      element('span', {}, metric.title, directionOf(metric.isMore), element('small', {}, metric.says)),
      ...shown.map((model, index) => cellOf(model.metrics?.[key], metric.isShare, best.includes(index))),
    ];
  });
  const heading = element('span', {}, title, element('small', {}, plural(keys.length, 'number')));
  return foldable(heading, isOpen, table(title, ['', ...names.map(breakable)], rows, { className: 'metrics', stacked: true }));
}

const sameValue = (a, b) => valueOf(a ?? null) === valueOf(b ?? null);

/** The model whose probabilities a model decides by: that of the data, or itself. */
const probabilitiesOf = (model) => model.probabilities ?? model.name;
/** The place of the first model with the same probabilities. */
const ownerOf = (models, model) => models.findIndex((other) => probabilitiesOf(other) === probabilitiesOf(model));
/** Places of models with probabilities of their own: others differ from these in their decisions alone. */
const distinct = (models) => models.flatMap((model, index) => (ownerOf(models, model) === index ? [index] : []));

/** A value with its interval below. */
function cellOf(metric, isShare, isBest) {
  const value = valueOf(metric ?? null);
  const interval = intervalOf(metric ?? null);
  return element('span', {}, element(isBest ? 'b' : 'span', {}, inUnit(value, isShare), isShare && isNumber(value) ? ' %' : ''),
    interval ? element('small', {}, range(interval, isShare)) : null);
}
