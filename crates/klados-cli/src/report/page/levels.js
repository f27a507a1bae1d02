// Per level: accuracy with intervals, the other numbers, and reliability diagrams.

const levelNames = (data) => {
  const names = [...(data.levels ?? [])];
  for (const model of data.models ?? []) for (const { level } of model.levels ?? []) if (!names.includes(level)) names.push(level);
  return names.filter((name) => (data.models ?? []).some((model) => levelOf(model, name)));
};
const levelOf = (model, name) => (model.levels ?? []).find(({ level }) => level === name);

function accuracies(page) {
  const { data } = page;
  const models = data.models ?? [];
  const levels = levelNames(data);
  const keyed = (key) => levels.some((name) => models.some((model) => isNumber(valueOf(levelOf(model, name)?.[key] ?? null))));
  const main = ['accuracy', 'auprc_micro', 'auprc'].find(keyed);
  if (!main) return null;
  const isMultiLabel = main !== 'accuracy';
  const { title, isShare } = metricOf(main);
  const owners = distinct(models);
  const names = owners.map((index) => probabilitiesOf(models[index]));
  return section('levels', isMultiLabel ? 'Level by level' : 'Accuracy at each level',
    intervals({
      title: null,
      label: `${title} of each model at each level, with intervals; the tables below have the numbers`,
      read: isMultiLabel
        ? 'How well probabilities put the nodes that hold before those that do not, without a threshold; further right is better.'
        : 'Each mark is the share of rows whose most probable node of the level is right; the bar is its interval. Further right is better; coarse levels, on top, should be easier.',
      names: levels, series: names, indices: owners, of: (row, index) => levelOf(models[owners[index]], levels[row])?.[main] ?? null,
      isShare, axisName: isMultiLabel ? 'average precision, %' : 'right, %',
    }),
    [...levels].reverse().map((name, index) => numbersAt(models, name, index === 0 || !isNarrow())));
}

/** What the tables of levels list: of probabilities, then of decisions. */
const OF_LEVELS = ['accuracy', 'accuracy_of_decision', 'balanced_accuracy', 'auprc_micro', 'auprc_macro', 'auprc', 'ece', 'brier', 'log_loss', 'aurc'];

/** The numbers of a level, a line a model. */
function numbersAt(models, name, isOpen) {
  const at = models.map((model) => levelOf(model, name));
  const keys = OF_LEVELS.filter((key) => at.some((level) => isNumber(valueOf(level?.[key] ?? null))));
  const best = new Map(keys.map((key) => [key, bestOf(at.map((level) => valueOf(level?.[key] ?? null)), metricOf(key))]));
  const rows = models.flatMap((model, index) => (at[index] ? [[model.name, ...keys.map((key) => cellOf(at[index][key], metricOf(key).isShare, best.get(key).includes(index)))]] : []));
  const counted = at.find((level) => isNumber(numeric(level?.rows ?? null)))?.rows;
  const head = keys.map((key) => `${metricOf(key).title} ${DIRECTIONS[metricOf(key).isMore]?.[0] ?? ''}`.trim());
  return foldable(element('span', {}, name, counted === undefined ? null : element('small', {}, plural(numeric(counted), 'row'))), isOpen,
    table(`Numbers at ${name}`, ['model', ...head], rows, { className: 'levels', stacked: true }));
}

/** A diagram for each level of the chosen model. */
function reliability(page) {
  const { data } = page;
  const models = data.models ?? [];
  const has = (model) => (model.levels ?? []).some((level) => (level.reliability ?? []).some(({ rows }) => rows > 0));
  if (!models.some(has)) return null;
  const host = element('div', { class: 'figures' });
  const fill = () => {
    const model = models[page.model];
    const there = (model.levels ?? []).filter((level) => (level.reliability ?? []).some(({ rows }) => rows > 0));
    host.replaceChildren(...there.map((level) => diagram(level, page.model)));
    if (there.length === 0) host.append(paragraph('This model came without probabilities.', 'muted'));
    drawCharts();
  };
  page.on('model', fill);
  fill();
  return section('calibration', 'Can its confidence be believed?', element('p', { class: 'of-model' }),
    paragraph('Rows are put into bins by the probability of the most probable node of the level. Bars on the dashed diagonal: of the rows that are 80 % sure, 80 % are right. Below it the model promises too much, above it too little. The strip underneath shows how many rows each bin has.'),
    host);
}

function diagram(level, modelIndex) {
  const bins = level.reliability.filter(({ rows }) => rows > 0).map((bin) => ({
    ...bin, low: numeric(bin.low), high: numeric(bin.high), accuracy: numeric(bin.accuracy), confidence: numeric(bin.confidence),
  }));
  const most = Math.max(...bins.map(({ rows }) => rows));
  const total = bins.reduce((sum, { rows }) => sum + rows, 0);
  const bar = (grid, value) => ({
    type: 'custom', xAxisIndex: grid, yAxisIndex: grid, z: 2, clip: true,
    data: bins.map((bin) => [bin.low, bin.high, value(bin)]),
    encode: { x: [0, 1], y: 2 },
    renderItem: (_, api) => {
      const [x1, y] = api.coord([api.value(0), api.value(2)]);
      const [x2, base] = api.coord([api.value(1), 0]);
      return {
        type: 'rect', shape: { x: x1 + 1, y, width: Math.max(x2 - x1 - 2, 1), height: Math.max(base - y, 0.5) },
        style: { fill: grid === 0 ? color(modelIndex) : 'var(--muted)', opacity: grid === 0 ? 0.3 : 0.5 },
      };
    },
    emphasis: { disabled: true }, silent: grid === 1,
  });
  const points = bins.map(({ confidence, accuracy }) => [confidence, accuracy]);
  const shareAxis = { min: 0, max: 1, interval: 0.25 };
  const option = () => options({
    grid: [{ left: 50, right: 16, top: 10, bottom: 92 }, { left: 50, right: 16, height: 34, bottom: 44 }],
    xAxis: [
      axis('', { ...shareAxis, gridIndex: 0, axisLabel: { show: false } }),
      axis('confidence, %', { ...shareAxis, gridIndex: 1, splitLine: { show: false } }),
    ],
    yAxis: [
      axis('right, %', { isY: true, ...shareAxis, gridIndex: 0 }),
      axis('', { isY: true, min: 0, max: most, gridIndex: 1, axisLabel: { show: false }, splitLine: { show: false } }),
    ],
    series: [
      bar(0, ({ accuracy }) => accuracy),
      guide([[0, 0], [1, 1]]),
      { ...line('accuracy', modelIndex, points), showSymbol: true, symbolSize: 6, silent: true },
      bar(1, ({ rows }) => rows),
    ],
    tooltip: {
      trigger: 'item',
      formatter: ({ dataIndex }) => {
        const bin = bins[dataIndex];
        return `<div class="tip-head">${percentage(bin.low)} to ${percentage(bin.high)} % sure</div><div class="tip-row"><span>rows</span><b>${integer(bin.rows)}</b></div>`
          + `<div class="tip-row"><span>mean confidence</span><b>${percent(bin.confidence)}</b></div><div class="tip-row"><span>right</span><b>${percent(bin.accuracy)}</b></div>`;
      },
    },
  });
  const ece = valueOf(level.ece ?? null);
  return figure({
    title: level.level, height: 320, width: 'third', option,
    read: isNumber(ece) ? `Calibration error ${percent(ece)} over ${plural(total, 'row')}` : plural(total, 'row'),
    label: `Reliability diagram at ${level.level}; the table below has the numbers`,
    rows: () => [['confidence, %', 'rows', 'mean confidence, %', 'right, %'],
      bins.map((bin) => [`${percentage(bin.low)} to ${percentage(bin.high)}`, integer(bin.rows), percentage(bin.confidence), percentage(bin.accuracy)])],
  });
}
