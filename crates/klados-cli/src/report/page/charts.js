// Charts on two axes, drawn by ECharts as SVG. Their colours are the page's variables, so that light, dark and print
// need no drawing anew.

const COLORS = 8;
/** More models than there are colours share them, with other dashes. */
const DASHES = ['solid', [7, 4], [2, 3], [9, 3, 2, 3]];
const color = (index) => `var(--model-${index % COLORS})`;
const dash = (index) => DASHES[index % DASHES.length];

const charts = [];
/** Widths on paper, in CSS pixels. */
const PAPER = { whole: 660, half: 320, third: 320 };

/** A chart in its frame: title, how to read it, drawing, table. `option` gives ECharts' options for a width. */
function figure({ title, read, label, height, width = 'half', option, rows, legend, tool, left }) {
  const host = element('div', { class: 'chart', role: 'img', 'aria-label': label ?? title, style: `height: ${height}px` });
  charts.push({ host, option, width, height, drawn: null });
  const shown = element('figure', { class: width },
    element('figcaption', {}, title ? element('div', { class: 'title' }, element('h3', {}, title), tool ?? null) : null, read ? paragraph(read) : null),
    legend ?? null, host, rows ? tableOf(title ?? label, rows, left) : null);
  return shown;
}

/** Draws what is on the page and not drawn yet, and forgets what has left it. */
function drawCharts() {
  for (let index = charts.length - 1; index >= 0; index -= 1) {
    const chart = charts[index];
    if (!chart.host.isConnected) {
      // What was never drawn is yet to be put on the page.
      if (!chart.drawn) continue;
      chart.drawn.dispose();
      observer.unobserve(chart.host);
      charts.splice(index, 1);
    } else if (!chart.drawn) {
      chart.drawn = echarts.init(chart.host, null, { renderer: 'svg' });
      chart.drawn.setOption(chart.option(chart.host.clientWidth));
      observer.observe(chart.host);
    }
  }
}

function fit(chart, width) {
  if (!chart.drawn || width === 0 || width === chart.drawn.getWidth()) return;
  chart.drawn.resize({ width, height: chart.height });
  chart.drawn.setOption(chart.option(width), { notMerge: true });
}

let printing = false;
const observer = new ResizeObserver((entries) => {
  if (printing) return;
  for (const { target } of entries) {
    const chart = charts.find(({ host }) => host === target);
    if (chart) fit(chart, target.clientWidth);
  }
});
window.addEventListener('beforeprint', () => {
  printing = true;
  for (const chart of charts) fit(chart, PAPER[chart.width]);
});
window.addEventListener('afterprint', () => {
  printing = false;
  for (const chart of charts) fit(chart, chart.host.clientWidth);
});

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

/** What all charts share. */
function options({ grid, xAxis, yAxis, series, tooltip }) {
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: 'var(--muted)' },
    // Where the axes are is said, not found: charts above each other have the same.
    grid: [grid ?? { left: 50, right: 16, top: 12, bottom: 44 }].flat().map((one) => ({ ...one, outerBoundsMode: 'none' })),
    xAxis,
    yAxis,
    series,
    tooltip: {
      confine: true, backgroundColor: 'var(--paper)', borderColor: 'var(--line)', borderWidth: 1, padding: [8, 11],
      textStyle: { color: 'var(--ink)', fontSize: 13, fontFamily: FONT }, transitionDuration: 0,
      extraCssText: 'box-shadow: 0 3px 14px rgb(0 0 0 / .18); border-radius: 8px; max-width: 320px; white-space: normal;',
      ...tooltip,
    },
  };
}

/** An axis of numbers. */
function axis(name, { isY = false, isShare = true, min, max, interval, gap, ...more } = {}) {
  return {
    type: 'value', name, nameLocation: 'middle', nameGap: gap ?? (isY ? 36 : 28), min, max, interval,
    nameTextStyle: { color: 'var(--muted)', fontSize: 12 },
    axisLine: { show: !isY, lineStyle: { color: 'var(--axis)' } },
    axisTick: { show: false },
    axisLabel: {
      color: 'var(--muted)', fontSize: 12, hideOverlap: true,
      formatter: (value) => (isShare ? minus(String(Math.round(1000 * value) / 10)) : minus(String(Number(value.toPrecision(6))))),
    },
    splitLine: { lineStyle: { color: 'var(--line)' } },
    axisPointer: { lineStyle: { color: 'var(--axis)' }, label: { show: false } },
    ...more,
  };
}

/** An axis around all values that begins and ends at a round number, with at most six steps. */
function around(values, isShare) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0.04 * (high - low), 1e-3 * Math.max(Math.abs(low), Math.abs(high)), 1e-6);
  [low, high] = [low - room, high + room];
  if (isShare) [low, high] = [Math.max(low, 0), Math.min(high, 1)];
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const interval = power * [1, 2, 5, 10].find((step) => step * power >= raw * 0.999);
  const tidy = (value) => Number(value.toPrecision(12));
  return { min: tidy(Math.floor(low / interval + 1e-9) * interval), max: tidy(Math.ceil(high / interval - 1e-9) * interval), interval: tidy(interval) };
}

/** Text that is safe inside of markup, for tooltips. */
const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A line of a legend or tooltip: how a model is drawn. */
const sample = (index) => `<svg class="sample" width="22" height="8" aria-hidden="true"><line x1="1" y1="4" x2="21" y2="4" `
  + `style="stroke: ${color(index)}" stroke-width="2.5" stroke-dasharray="${[dash(index)].flat().filter((x) => x !== 'solid').join(' ')}"/></svg>`;

/** Marks of values with intervals, by their place among the series: one path each, around 0. */
const MARKS = ['M5,0A5,5,0,1,1,-5,0A5,5,0,1,1,5,0Z', 'M-4.5,-4.5H4.5V4.5H-4.5Z', 'M0,-6L6,0L0,6L-6,0Z', 'M0,-5.5L5.5,4.5H-5.5Z'];
const markOf = (index) => `<svg class="sample" width="22" height="14" viewBox="-11 -7 22 14" aria-hidden="true"><path d="M-11,0H11" `
  + `style="stroke: ${color(index)}" stroke-width="2"/><path d="${MARKS[index % MARKS.length]}" style="fill: ${color(index)}"/></svg>`;

/** A legend of models; `indices` say how each is drawn, `draw` with what. */
function legendOf(names, indices = names.map((_, index) => index), draw = sample) {
  if (names.length < 2) return null;
  const legend = element('ul', { class: 'legend' });
  names.forEach((name, place) => {
    const item = element('li');
    item.innerHTML = draw(indices[place]);
    item.append(name);
    legend.append(item);
  });
  return legend;
}

/** At most so many points are drawn of a line. */
const MOST_POINTS = 400;
function thinned(points, most = MOST_POINTS) {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, index) => points[Math.round((index * (points.length - 1)) / (most - 1))]);
}

function line(name, index, points, more = {}) {
  return {
    type: 'line', name, data: thinned(points), showSymbol: points.length < 2, symbol: 'circle', symbolSize: 7,
    lineStyle: { color: color(index), width: 2, type: dash(index) }, itemStyle: { color: color(index) },
    emphasis: { disabled: true }, ...more,
  };
}

/** A thin line for the eye. */
const guide = (points) => ({
  type: 'line', data: points, showSymbol: false, silent: true, z: 1, lineStyle: { color: 'var(--axis)', width: 1, type: [4, 4] },
  emphasis: { disabled: true }, tooltip: { show: false },
});

/** Tooltip of lines: what is at this x, a line a model. */
const linesTooltip = (head, text) => ({
  trigger: 'axis',
  formatter: (items) => {
    const named = items.filter((item) => item.seriesName && !item.seriesName.startsWith('series'));
    if (named.length === 0) return '';
    return `<div class="tip-head">${escaped(head(named[0].data))}</div>${named.map((item) =>
      `<div class="tip-row">${sample(item.data[2] ?? item.seriesIndex)}<span>${escaped(item.seriesName)}</span><b>${escaped(text(item.data))}</b></div>`).join('')}`;
  },
});

/** Values with their intervals, a row for each of `names`: `of(name index, series index)` is a metric or null. */
function intervals({ names, series, indices = series.map((_, index) => index), of, isShare, axisName, zero = false, ...more }) {
  const height = names.length * (series.length * 15 + 18) + 52;
  const longest = Math.max(...names.map((name) => name.length));
  const option = (width) => {
    const ends = names.flatMap((_, row) => series.flatMap((_name, index) => {
      const metric = of(row, index);
      return [valueOf(metric), ...(intervalOf(metric) ?? [])].filter(isNumber);
    }));
    const left = Math.min(Math.ceil(longest * 7.6) + 24, width * 0.36);
    const drawn = series.map((name, index) => ({
      type: 'custom', name, z: 3, clip: true,
      data: names.flatMap((_, row) => {
        const metric = of(row, index);
        const value = valueOf(metric);
        return isNumber(value) ? [[value, row, ...(intervalOf(metric) ?? [value, value])]] : [];
      }),
      encode: { x: [0, 2, 3], y: 1 },
      renderItem: (_, api) => {
        const [x, middle] = api.coord([api.value(0), api.value(1)]);
        const y = middle + (index - (series.length - 1) / 2) * 15;
        const [from, to] = [api.coord([api.value(2), 0])[0], api.coord([api.value(3), 0])[0]];
        const stroke = { stroke: color(indices[index]), lineWidth: 2, fill: 'none' };
        const rule = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: stroke });
        const path = MARKS[indices[index] % MARKS.length];
        const mark = { type: 'path', x, y, shape: { pathData: path, layout: 'center' }, style: { fill: color(indices[index]), stroke: 'var(--paper)', lineWidth: 1 } };
        const caps = to - from > 1 ? [rule(from, y, to, y), rule(from, y - 4, from, y + 4), rule(to, y - 4, to, y + 4)] : [];
        return { type: 'group', children: [...caps, mark] };
      },
      emphasis: { disabled: true },
    }));
    return options({
      grid: { left, right: 18, top: 8, bottom: 44 },
      xAxis: axis(axisName, { isShare, ...around(ends, isShare), axisLine: { show: false } }),
      yAxis: {
        type: 'category', data: names, inverse: true, axisTick: { show: false }, axisLine: { show: false },
        axisLabel: { color: 'var(--ink)', fontSize: 13, width: left - 14, overflow: 'truncate', interval: 0 },
        splitLine: { show: true, lineStyle: { color: 'var(--line)' } }, splitArea: { show: false },
      },
      series: zero ? [...drawn, guide([[0, 0], [0, names.length - 1]])] : drawn,
      tooltip: {
        trigger: 'item',
        formatter: ({ seriesIndex, data }) => {
          const limits = data[2] === data[3] ? '' : `<div>${range([data[2], data[3]], isShare)}${isShare ? ' %' : ''}</div>`;
          return `<div class="tip-head">${escaped(names[data[1]])}</div><div class="tip-row">${markOf(indices[seriesIndex])}<span>${escaped(series[seriesIndex])}</span>`
            + `<b>${inUnit(data[0], isShare)}${isShare ? ' %' : ''}</b></div>${limits}`;
        },
      },
    });
  };
  return figure({ height, option, legend: legendOf(series, indices, markOf), width: 'whole', ...more });
}
