// Two models on the same rows: differences with their intervals, each drawn in its row of the table.

function comparisons(page) {
  const pairs = (page.data.comparisons ?? []).filter(({ metrics }) => Object.keys(metrics ?? {}).length > 0);
  if (pairs.length === 0) return null;
  const host = element('div');
  const show = (index) => host.replaceChildren(comparison(pairs[index], page.data.levels));
  show(0);
  const pick = pairs.length > 1 ? choice('Compare', pairs.map(({ a, b }) => `${a} with ${b}`), 0, show) : null;
  return section('comparisons', 'Is the difference more than chance?',
    paragraph('Both models answer the same rows, so differences are surer than the two values alone. An interval that does not touch the line at zero is a difference that chance would rarely make. Shares differ by percentage points.'),
    pick, host);
}

function comparison({ a, b, metrics }, levels) {
  const rows = Object.keys(metrics).map((key) => {
    const found = metrics[key];
    const metric = metricOf(key);
    return { key, metric, difference: numeric(found.difference ?? found.value ?? null), interval: intervalOf(found), unit: metric.isShare ? 'share' : key };
  });
  // Shares have one scale, so that their bars can be compared; each other metric has its own.
  const reach = {};
  for (const { unit, difference, interval } of rows) {
    const ends = [difference, ...(interval ?? [])].filter(isNumber).map(Math.abs);
    reach[unit] = Math.max(reach[unit] ?? 0, ...ends, 1e-12);
  }
  const of = new Map(rows.map((row) => [row.key, row]));
  return element('div', {}, inFamilies([...of.keys()], levels).map(([title, keys], index) => {
    const better = keys.map((key) => verdict(of.get(key), a, b)[0]);
    const said = [a, b].map((name) => [name, better.filter((text) => text === `${name} is better`).length]).filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} is better in ${count}`);
    const heading = element('span', {}, title, element('small', {}, `${plural(keys.length, 'number')}: ${said.length > 0 ? said.join(', ') : 'no clear difference'}`));
    return foldable(heading, index === 0, differences(`${a} minus ${b}: ${title}`, keys.map((key) => of.get(key)), reach, a, b));
  }));
}

/** Which of the two is better, as far as the interval tells. */
function verdict({ metric, difference, interval }, a, b) {
  if (difference === 0 && (!interval || (interval[0] === 0 && interval[1] === 0))) return ['the same', 'muted'];
  if (!interval || (interval[0] <= 0 && interval[1] >= 0)) return [interval ? 'no clear difference' : '–', 'muted'];
  if (metric.isMore === null) return ['differs', ''];
  return (interval[0] > 0) === metric.isMore ? [`${a} is better`, 'good'] : [`${b} is better`, 'good'];
}

function differences(caption, rows, reach, a, b) {
  const sign = (value, isShare) => `${value > 0 ? '+' : ''}${inUnit(value, isShare)}`;
  return table(caption, [`${a} minus ${b}`, 'difference', 'interval', 'around zero', 'so'], rows.map((row) => {
    const { metric: { title, isShare }, difference, interval, unit } = row;
    const [text, className] = verdict(row, a, b);
    return [title, element('b', {}, isNumber(difference) ? `${sign(difference, isShare)}${isShare ? ' points' : ''}` : '–'),
      interval ? `${sign(interval[0], isShare)} to ${sign(interval[1], isShare)}` : '–',
      bar(difference, interval, reach[unit], className === 'muted'), element('span', { class: className }, text)];
  }), { className: 'comparison', stacked: true, left: [4] });
}

/** The interval around zero, with `reach` to both sides. */
function bar(difference, interval, reach, isUnclear) {
  const x = (value) => 80 + (74 * value) / reach;
  const host = element('span', { class: `around${isUnclear ? ' unclear' : ''}` });
  const [low, high] = interval ?? [difference, difference];
  if (!isNumber(difference)) return host;
  host.innerHTML = `<svg viewBox="0 0 160 18" width="160" height="18" aria-hidden="true"><line class="zero" x1="80" y1="0" x2="80" y2="18"/>`
    + `<line class="span" x1="${x(low).toFixed(1)}" y1="9" x2="${x(high).toFixed(1)}" y2="9"/><circle cx="${x(difference).toFixed(1)}" cy="9" r="4"/></svg>`;
  return host;
}
