// Curves over all operating points, all models in one chart.

/** Pairs of two arrays, without what is not finite, and the model's index, which the tooltip draws. */
function points(x, y, index) {
  const pairs = [];
  for (let at = 0; at < Math.min(x?.length ?? 0, y?.length ?? 0); at += 1) {
    const [a, b] = [numeric(x[at]), numeric(y[at])];
    if (isNumber(a) && isNumber(b)) pairs.push([a, b, index, at]);
  }
  return pairs;
}

function curves(page) {
  const models = page.data.models ?? [];
  const figures = [operating(models), riskCoverage(page, models)].filter(Boolean);
  if (figures.length === 0) return null;
  return section('curves', 'What can be had at which price', element('div', { class: 'figures' }, figures));
}

function operating(models) {
  const owners = distinct(models);
  const names = owners.map((index) => probabilitiesOf(models[index]));
  const lines = owners.map((index) => points(models[index].operating_curve?.recall, models[index].operating_curve?.precision, index));
  if (lines.every((line) => line.length === 0)) return null;
  const area = owners.map((index) => numeric(models[index].operating_curve?.average_precision ?? null));
  const shown = around([...lines.flat().map(([, precision]) => precision), 1], true);
  const title = 'Precision against recall';
  return figure({
    title, height: 340,
    read: 'From saying little and being right to saying all: a bolder threshold moves along the curve to the right. Higher is better; the average precision is the area below.',
    label: `${title} of each model; the table below has the numbers`,
    legend: legendOf(names.map((name, index) => (isNumber(area[index]) ? `${name}: ${percent(area[index])}` : name)), owners),
    option: () => options({
      xAxis: axis('recall, %', { min: 0, max: 1 }),
      yAxis: axis('precision, %', { isY: true, ...shown }),
      series: lines.map((line_, index) => line(names[index], owners[index], line_)),
      tooltip: linesTooltip(([recall]) => `recall about ${percent(recall)}`, ([, precision, index, at]) => {
        const tau = numeric(models[index].operating_curve.tau?.[at] ?? null);
        return `${percent(precision)}${isNumber(tau) ? ` at τ = ${plain(tau)}` : ''}`;
      }),
    }),
    rows: () => [['model', 'recall, %', 'precision, %', 'τ'], lines.flatMap((line_, place) => thinned(line_, 40).map(([recall, precision, index, at]) =>
      [names[place], percentage(recall), percentage(precision), plain(numeric(models[index].operating_curve.tau?.[at] ?? null))]))],
  });
}

function riskCoverage(page, models) {
  const of = (model, name) => levelOf(model, name)?.risk_coverage;
  const levels = levelNames(page.data).filter((name) => models.some((model) => of(model, name)?.coverage?.length > 0));
  if (levels.length === 0) return null;
  const host = element('div', { class: 'half' });
  const title = 'Risk against coverage';
  const owners = distinct(models);
  const names = owners.map((index) => probabilitiesOf(models[index]));
  const show = (chosen) => {
    const level = levels[chosen];
    const lines = owners.map((index) => points(of(models[index], level)?.coverage, of(models[index], level)?.risk, index));
    const area = owners.map((index) => valueOf(levelOf(models[index], level)?.aurc ?? null));
    const shown = figure({
      title, height: 340, tool: levels.length > 1 ? choice('Level', levels, chosen, show) : null,
      read: 'If only the surest share of rows gets an answer, how many of the answers are wrong? Lower is better, and a curve that stays low far to the right lets most rows be automated.',
      label: `${title} of each model at ${level}; the table below has the numbers`,
      legend: legendOf(names.map((name, index) => (isNumber(area[index]) ? `${name}: area ${percent(area[index])}` : name)), owners),
      option: () => options({
        xAxis: axis('coverage: rows answered, %', { min: 0, max: 1 }),
        yAxis: axis('risk: answers wrong, %', { isY: true, ...around([0, ...lines.flat().map(([, risk]) => risk)], true) }),
        series: lines.map((line_, index) => line(names[index], owners[index], line_)),
        tooltip: linesTooltip(([coverage]) => `${percent(coverage)} of the rows answered`, ([, risk]) => `${percent(risk)} wrong`),
      }),
      rows: () => [['model', 'coverage, %', 'risk, %'], lines.flatMap((line_, index) => thinned(line_, 40).map(([coverage, risk]) =>
        [names[index], percentage(coverage), percentage(risk)]))],
    });
    host.replaceChildren(shown);
    drawCharts();
  };
  show(levels.length - 1);
  return host;
}
