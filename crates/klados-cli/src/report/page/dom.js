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
/** A name that may go on in the next line after what joins its words. */
const breakable = (name) => name.replace(/[_,./-](?=.)/g, '$&\u200b');
const minus = (text) => text.replace('-', '−');

/** `share` in per cent with one digit, without the sign. */
function percentage(share) {
  if (share === null || share === undefined) return '–';
  return isNumber(share) ? minus((100 * share).toFixed(1)) : minus(String(share));
}

const percent = (share) => (isNumber(share) ? `${percentage(share)} %` : '–');
/** A share that somebody chose, as 95 %, with the digits that it has. */
const chosenShare = (share) => `${Number((100 * share).toPrecision(6))} %`;

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

/** Those that scroll sideways say so, and can be reached by the keyboard. */
const overflows = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const host = target.closest('.scroll');
    if (!host) continue;
    const isWide = host.scrollWidth > host.clientWidth + 1;
    host.parentNode.classList.toggle('wide', isWide);
    if (isWide || host.scrollHeight > host.clientHeight + 1) host.setAttribute('tabindex', 0); else host.removeAttribute('tabindex');
  }
});

/** What is as wide as it has to be, in a frame that scrolls. */
function scroller(label, child) {
  const host = element('div', { class: 'scroll', role: 'region', 'aria-label': label }, child);
  overflows.observe(host);
  overflows.observe(child);
  return element('div', { class: 'scroller' }, host, element('p', { class: 'more-sideways', 'aria-hidden': 'true' }, 'More to the right: scroll the table sideways →'));
}

/**
 * A table that scrolls by itself. `head` are texts; `rows` are of texts or elements; the first column names the row;
 * columns whose indices are in `left` are of text. One that is `stacked` does not scroll on a phone: each row is a block there,
 * a line a column; so that it stays a table to those who hear it, its parts say what they are.
 */
function table(caption, head, rows, { className = '', widthless = false, stacked = false, left = [] } = {}) {
  const role = (name) => (stacked ? { role: name } : {});
  const side = (index) => (left.includes(index) ? { class: 'left' } : {});
  const cell = (content, index) => (index === 0
    ? element('th', { scope: 'row', ...role('rowheader') }, content)
    : element('td', { ...side(index), ...role('cell'), 'data-head': stacked ? head[index] : null }, content));
  return scroller(caption,
    element('table', { class: [className, widthless ? 'widthless' : '', stacked ? 'stacked' : ''].filter(Boolean).join(' '), ...role('table') },
      element('caption', { class: 'unseen' }, caption),
      element('thead', role('rowgroup'), element('tr', role('row'), head.map((text, index) => element('th', { scope: 'col', ...role('columnheader'), ...side(index) }, text)))),
      element('tbody', role('rowgroup'), rows.map((row) => element('tr', role('row'), row.map(cell))))));
}

/** Whether the page is as narrow as a phone, where the style sheet stacks tables. */
const isNarrow = () => window.matchMedia('(max-width: 600px)').matches;

/** A part of a section that can be closed; paper shows all. */
function foldable(title, isOpen, ...children) {
  return element('details', { class: 'folded', open: isOpen }, element('summary', {}, title), ...children);
}
let opened = [];
window.addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details.folded:not([open])')];
  for (const details of opened) details.open = true;
});
window.addEventListener('afterprint', () => { for (const details of opened) details.open = false; });

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
