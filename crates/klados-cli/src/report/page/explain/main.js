// The page of an explained row: its sections, and what stands in the bar above them.

/** The large numbers on top. */
function glance(state) {
  const { data } = state;
  const [loss, p, up, down] = ['loss', 'p', 'up', 'down'].map(figure);
  const [lossWas, pWas, upOf, downOf] = Array.from({ length: 4 }, () => element('div', { class: 'muted' }));
  const labels = data.nodes.flatMap(({ is_label: isLabel }, place) => (isLabel ? [place] : []));
  const ofLabel = labels.length === 1 && state.first.logP[labels[0]] !== null ? labels[0] : null;
  const tile = (title, { host }, below) => element('div', { class: 'tile' }, element('div', { class: 'tile-title' }, title), element('div', { class: 'tile-value' }, host), below);
  state.on((now) => {
    const isMoved = state.isMoved();
    loss.show(now.loss);
    lossWas.textContent = isMoved ? `${rounded(state.first.loss)} before` : breakable(data.loss);
    if (ofLabel !== null) {
      p.show(Math.exp(now.logP[ofLabel]));
      pWas.textContent = isMoved ? `${rounded(Math.exp(state.first.logP[ofLabel]))} before` : 'the label';
    }
    // Of the same size, the first.
    const [lowest, highest] = [(a, b) => a < b, (a, b) => a > b].map((isBeyond) => now.gradient.reduce((found, next, column) => (isBeyond(next, now.gradient[found]) ? column : found), 0));
    for (const [column, shown, of, isThere] of [[lowest, up, upOf, now.gradient[lowest] < 0], [highest, down, downOf, now.gradient[highest] > 0]]) {
      shown.show(isThere ? now.gradient[column] : 0, isThere ? signed(now.gradient[column]) : '–');
      of.textContent = isThere ? `gradient of ${data.columns[column]}` : 'no logit';
    }
  });
  return section('glance', 'At a glance', element('div', { class: 'tiles' }, tile('Loss', loss, lossWas),
    ofLabel === null ? null : tile(`P of ${data.nodes[ofLabel].name}`, p, pWas),
    tile('Pushed up most', up, upOf), tile('Pushed down most', down, downOf)));
}

/** The loss, and the way back, which stay in sight. */
function aside(state) {
  const loss = figure('loss');
  const reset = element('button', { class: 'back', type: 'button', id: 'reset', onclick: () => state.reset() }, 'Reset');
  const said = element('p', { class: 'unseen', role: 'status' });
  state.on((now) => {
    loss.show(now.loss);
    reset.disabled = !state.isMoved();
    said.textContent = `Loss ${rounded(now.loss)}`;
  });
  return [element('span', { class: 'in-bar' }, 'Loss ', element('b', {}, loss.host)), reset, said];
}

function start() {
  const data = JSON.parse(document.getElementById('report-data').textContent);
  const state = makeState(data);
  const sections = [glance(state), treeSection(state), termsSection(state)].filter((made) => made !== null);
  document.getElementById('sections').append(...sections);
  const titles = { glance: 'At a glance', tree: 'Nodes', terms: 'Terms' };
  document.getElementById('contents').append(...sections.map(({ id }) => element('a', { href: `#${id}` }, titles[id])));
  document.getElementById('aside').append(...aside(state));
  const facts = [data.loss, data.label ? `label ${data.label}` : 'no label', plural(data.columns.length, 'logit'), plural(data.node_count - (data.root_is_added ? 1 : 0), 'node')];
  document.getElementById('facts').replaceChildren(...facts.flatMap((fact, index) => [index > 0 ? ' · ' : '', element('span', {}, fact)]));
  state.tell();
  document.documentElement.dataset.ready = 'true';
}

start();
