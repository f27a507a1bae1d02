// A box that finds a node by a part of its name, with its path, since names may repeat.

const MOST_FOUND = 12;
const folded = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

function search(page) {
  const { tree } = page;
  let names = null;
  const input = element('input', {
    type: 'search', id: 'search', placeholder: 'Find a node', autocomplete: 'off', spellcheck: 'false', role: 'combobox',
    'aria-label': 'Find a node of the hierarchy', 'aria-expanded': 'false', 'aria-controls': 'found', 'aria-autocomplete': 'list',
  });
  const list = element('ul', { id: 'found', role: 'listbox', 'aria-label': 'Nodes found', hidden: true });
  let found = [];
  let chosen = -1;

  /** The whole name, its beginning, the beginning of a word in it, anything in it: in this order, then by rows. */
  function find(text) {
    names ??= Array.from({ length: tree.size }, (_, node) => folded(tree.short(node)));
    const { rows } = page.outcome();
    const hits = [];
    for (let node = 0; node < tree.size; node += 1) {
      const at = names[node].indexOf(text);
      if (at < 0) continue;
      const rank = names[node] === text ? 0 : at === 0 ? 1 : /[\s\-_/.]/.test(names[node][at - 1]) ? 2 : 3;
      hits.push({ node, rank });
    }
    return hits.sort((a, b) => a.rank - b.rank || (rows[b.node] ?? 0) - (rows[a.node] ?? 0) || tree.depth[a.node] - tree.depth[b.node] || a.node - b.node);
  }

  function show() {
    const text = folded(input.value.trim());
    const hits = text === '' ? [] : find(text);
    found = hits.slice(0, MOST_FOUND);
    chosen = found.length > 0 ? 0 : -1;
    list.replaceChildren(...found.map(({ node }, index) => element('li', { role: 'option', id: `found-${index}`, 'data-node': node },
      element('span', {}, tree.short(node)),
      element('small', {}, tree.parent[node] >= 0 && tree.parent[node] !== tree.root ? tree.path(tree.parent[node]) : ''))));
    if (hits.length > found.length) list.append(element('li', { class: 'muted', role: 'presentation' }, `${integer(hits.length - found.length)} more: type on`));
    if (text !== '' && hits.length === 0) list.append(element('li', { class: 'muted', role: 'presentation' }, 'No node has this in its name'));
    list.hidden = text === '';
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark();
  }

  function mark() {
    list.querySelectorAll('[role=option]').forEach((item, index) => item.setAttribute('aria-selected', String(index === chosen)));
    if (chosen >= 0) input.setAttribute('aria-activedescendant', `found-${chosen}`); else input.removeAttribute('aria-activedescendant');
    list.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }

  function close() {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
  }

  function take(node) {
    input.value = tree.short(node);
    close();
    page.go(node);
  }

  input.addEventListener('input', show);
  input.addEventListener('focus', () => { if (input.value !== '') { input.select(); show(); } });
  input.addEventListener('blur', () => setTimeout(close, 150));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (list.hidden) show();
      if (found.length > 0) chosen = (chosen + (event.key === 'ArrowDown' ? 1 : found.length - 1)) % found.length;
      mark();
      event.preventDefault();
    } else if (event.key === 'Enter' && chosen >= 0 && !list.hidden) take(found[chosen].node);
    else if (event.key === 'Escape') close();
  });
  list.addEventListener('pointerdown', (event) => {
    const item = event.target.closest('[role=option]');
    if (item) take(Number(item.dataset.node));
    event.preventDefault();
  });
  return element('div', { class: 'search' }, input, list);
}
