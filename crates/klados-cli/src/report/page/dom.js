// Elements, numbers as people read them, and tables.

/** An element with attributes and children; text is never read as markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** A number from the data: what is not finite came as a string; absent is null. */
function numeric(value) {
  if (typeof value === 'number') return value;
  return { nan: NaN, inf: Infinity, '-inf': -Infinity }[value] ?? null;
}

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** A metric's value, whether it came with an interval or as a number. */
const valueOf = (metric) => numeric(metric !== null && typeof metric === 'object' ? metric.value : metric);

/** The metric's interval, or null. */
function intervalOf(metric) {
  if (metric === null || typeof metric !== 'object') return null;
  const [low, high] = [numeric(metric.low), numeric(metric.high)];
  return isNumber(low) && isNumber(high) ? [low, high] : null;
}

const grouped = new Intl.NumberFormat('en-US');
const integer = (value) => (isNumber(value) ? grouped.format(value) : '–');
const plural = (count, one, many = `${one}s`) => `${integer(count)} ${count === 1 ? one : many}`;
const minus = (text) => text.replace('-', '−');

/** `share` in per cent with one digit, without the sign. */
function percentage(share) {
  if (share === null || share === undefined) return '–';
  return isNumber(share) ? minus((100 * share).toFixed(1)) : minus(String(share));
}

const percent = (share) => (isNumber(share) ? `${percentage(share)} %` : '–');

/** A number without a unit, with three digits that say something. */
function plain(value) {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size >= 1000) return minus(grouped.format(Math.round(value)));
  if (size !== 0 && size < 0.001) return minus(value.toExponential(1));
  return minus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3));
}

/** A value in its unit, without the sign of per cent. */
const inUnit = (value, isShare) => (isShare ? percentage(value) : plain(value));
const range = ([low, high], isShare) => `${inUnit(low, isShare)} to ${inUnit(high, isShare)}`;

/**
 * A table that scrolls by itself. `head` are texts; `rows` are of texts or elements; the first column names the row;
 * columns whose indices are in `left` are of text.
 */
function table(caption, head, rows, { className = '', widthless = false, left = [] } = {}) {
  const side = (index) => (left.includes(index) ? { class: 'left' } : {});
  const cell = (content, index) => (index === 0
    ? element('th', { scope: 'row' }, content) : element('td', side(index), content));
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    element('table', { class: `${className}${widthless ? ' widthless' : ''}` },
      element('caption', { class: 'unseen' }, caption),
      element('thead', {}, element('tr', {}, head.map((text, index) => element('th', { scope: 'col', ...side(index) }, text)))),
      element('tbody', {}, rows.map((row) => element('tr', {}, row.map(cell))))));
}

/** More rows than this are not put into a table. */
const MOST_ROWS = 300;

/** The table of a chart, closed, and made when it is opened: `make` gives `[head, rows]`. */
function tableOf(caption, make, left = []) {
  const details = element('details', { class: 'data' }, element('summary', {}, 'As a table'));
  details.addEventListener('toggle', () => {
    if (!details.open || details.childElementCount > 1) return;
    const [head, rows] = make();
    details.append(table(caption, head, rows.slice(0, MOST_ROWS), { widthless: true, left }));
    if (rows.length > MOST_ROWS) {
      details.append(element('p', { class: 'muted' }, `The first ${MOST_ROWS} of ${integer(rows.length)} rows.`));
    }
  });
  return details;
}

/** A section of the page, with its line in the contents. */
function section(id, title, ...children) {
  return element('section', { id, 'aria-labelledby': `${id}-title` },
    element('h2', { id: `${id}-title` }, title), ...children);
}

const paragraph = (text, className = 'read') => element('p', { class: className }, text);

/** A choice between texts; `onchoice` gets the index. */
function choice(label, options, chosen, onchoice) {
  const select = element('select', { onchange: () => onchoice(select.selectedIndex) },
    options.map((text, index) => element('option', { selected: index === chosen }, text)));
  return element('label', { class: 'choice' }, element('span', {}, label), select);
}
