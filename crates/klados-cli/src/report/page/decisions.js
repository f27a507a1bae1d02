// What the rules answer: how often it holds, against what was promised, and how much of it is at each level.

/** A rule in words: its name, and its numbers with three digits. */
function ruleOf({ decision, rule }) {
  const name = decision ?? '';
  const parameters = rule && typeof rule === 'object' ? rule[name] : null;
  const said = Object.entries(parameters && typeof parameters === 'object' ? parameters : {})
    .filter(([, value]) => ['number', 'string', 'boolean'].includes(typeof value))
    .map(([key, value]) => `${key} ${typeof value === 'number' ? minus(String(Number(value.toPrecision(3)))) : value}`);
  return said.length > 0 ? `${name}: ${said.join(', ')}` : name;
}

/** The share of right answers that a calibrated rule promises of rows like those of its calibration, or null. */
function promiseOf({ decision, rule }) {
  const found = rule?.[decision];
  if (decision === 'hedge' && isNumber(found?.accuracy)) return found.accuracy;
  return decision === 'conformal' && isNumber(found?.alpha) ? 1 - found.alpha : null;
}

/** Whether a promise was kept on these rows, as far as its interval tells. */
function verdictOn(promise, right) {
  const [value, interval] = [valueOf(right ?? null), intervalOf(right ?? null)];
  if (promise === null || !isNumber(value)) return null;
  const text = `${chosenShare(promise)} promised`;
  if (value >= promise) return element('small', { class: 'good' }, `${text}: kept`);
  const isChance = interval !== null && interval[1] >= promise;
  return element('small', { class: isChance ? '' : 'bad' }, `${text}: ${isChance ? 'within chance' : 'missed'}`);
}

/** A level's rows: answered right, answered wrong, and not answered there. */
function answersAt(level) {
  const [coverage, risk] = [valueOf(level?.coverage ?? null), valueOf(level?.risk ?? null)];
  if (!isNumber(coverage)) return '–';
  const wrong = isNumber(risk) ? coverage * risk : 0;
  const width = (share) => `width: ${(100 * share).toFixed(2)}%`;
  return element('span', {}, element('span', {}, percent(coverage)),
    element('span', { class: 'outcome', 'aria-hidden': 'true' }, element('i', { class: 'is-right', style: width(coverage - wrong) }), element('i', { class: 'is-wrong', style: width(wrong) })),
    element('small', {}, isNumber(risk) && coverage > 0 ? `${percent(risk)} of them wrong` : 'none'));
}

function decisions(page) {
  const { data } = page;
  const models = data.models ?? [];
  const levels = levelNames(data);
  const backsOff = (model) => (model.levels ?? []).some(({ coverage }) => { const value = valueOf(coverage ?? null); return isNumber(value) && value < 1; });
  if (!models.some(backsOff)) return null;
  const rows = models.map((model) => [
    element('span', {}, model.name, model.decision ? element('small', {}, ruleOf(model)) : null),
    element('span', {}, cellOf(model.metrics?.right, true, false), verdictOn(promiseOf(model), model.metrics?.right)),
    ...levels.map((name) => answersAt(levelOf(model, name))),
  ]);
  const legend = element('ul', { class: 'steps', 'aria-label': 'Colours of the bars' },
    [['is-right', 'answered, right'], ['is-wrong', 'answered, wrong'], ['', 'no answer at the level']].map(([name, text]) =>
      element('li', {}, element('i', { class: name }), text)));
  return section('decisions', 'What is answered, and how much of it holds',
    paragraph('A rule may answer with a coarser node where it is not sure: that holds more often and says less. On the left, how often answers hold, at whatever level they are; then, level by level, how many rows have an answer there and how many of these answers are wrong.'),
    models.some((model) => promiseOf(model) !== null)
      ? paragraph('A calibrated rule promises its share for new rows like those that it was calibrated on. On rows of another kind it may miss.') : null,
    legend, table('Answers by model', ['model', 'answers that hold', ...levels.map((name) => `answered at ${name}`)], rows, { className: 'answers', stacked: true }));
}
