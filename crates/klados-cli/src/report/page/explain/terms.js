// The terms that the loss is the sum of, and the shares of each in the gradients as numbers.

/** So many terms have a line of their own. */
const TERMS_SHOWN = 20;

/** The section of the terms. */
function termsSection(state) {
  const { data, slots } = state;
  const { formulas } = data;
  const shown = slots.order.slice(0, TERMS_SHOWN);
  const hasFocal = formulas.gamma !== 0;
  const lines = shown.map((place) => {
    const [focal, logP, value] = ['focal', 'log-p', 'value'].map(figure);
    const fill = element('i', { class: colourOf(slots.of[place], slots) });
    const cells = [
      element('span', {}, element('i', { class: `swatch ${colourOf(slots.of[place], slots)}` }), breakable(data.terms[place])),
      rounded(formulas.terms[place].weight), hasFocal ? focal.host : null, logP.host,
      element('span', { class: 'of-loss' }, element('span', { class: 'bar', 'aria-hidden': 'true' }, fill), value.host),
    ].filter((cell) => cell !== null);
    const update = ({ terms, loss }) => {
      const now = terms[place];
      focal.show(now.focal);
      logP.show(0 - now.logP);
      value.show(now.value);
      fill.style.width = loss > 0 && Number.isFinite(loss) ? `${(100 * Math.max(0, now.value)) / loss}%` : '0';
    };
    return { cells, update };
  });
  const [others, sum] = [figure('others'), figure('sum')];
  const blank = Array(hasFocal ? 3 : 2).fill('');
  const rest = slots.order.slice(TERMS_SHOWN);
  const rows = lines.map(({ cells }) => cells);
  if (rest.length > 0) rows.push([plural(rest.length, 'more term'), ...blank, others.host]);
  rows.push([element('b', {}, 'the loss'), ...blank, element('b', {}, sum.host)]);
  state.on((now) => {
    if (now.terms.length === 0) return;
    for (const { update } of lines) update(now);
    others.show(rest.reduce((total, place) => total + now.terms[place].value, 0));
    sum.show(now.loss);
  });
  if (shown.length === 0) return null;
  return section('terms', 'What the loss is the sum of',
    paragraph(`A term costs its weight times −log P${hasFocal ? `, times (1 − P)${formulas.gamma === 1 ? '' : `^${formulas.gamma}`}` : ''}. The colours are those of the arrows.`),
    table('Terms', ['term', 'weight', hasFocal ? 'focal factor' : null, '−log P', 'loss'].filter((head) => head !== null), rows, { className: 'terms', stacked: true }),
    sharesTable(state));
}

/** Every gradient with the shares of the terms, as a table that follows the sliders while it is open. */
function sharesTable(state) {
  const { data, slots, drawn } = state;
  const caption = 'The gradient by each logit that is drawn, and the shares of the terms in it';
  const details = element('details', { class: 'data' }, element('summary', {}, 'The shares as a table'));
  const fill = () => {
    if (!details.open) return;
    const { gradient, shares } = state.now;
    const all = [...Array(slots.count).keys()];
    const order = [...drawn].sort((a, b) => Math.abs(gradient[b]) - Math.abs(gradient[a]));
    const rows = order.map((column) => {
      const { up, down } = shares.get(column);
      return [breakable(data.columns[column]), rounded(state.logits[column]), signed(gradient[column]), ...all.map((slot) => signed(up[slot] + down[slot]))];
    });
    const made = table(caption, ['logit of', 'logit', 'gradient', ...all.map((slot) => nameOfSlot(slot, state))], rows, { widthless: true });
    details.replaceChildren(details.firstElementChild, made);
  };
  details.addEventListener('toggle', fill);
  state.on(fill);
  return details;
}
