// What metrics are called, in which unit they are, and which way is better.

/** By name: title, whether it is a share (shown in per cent), whether more is better (null: neither), and what it says. */
const METRICS = {
  right: ['Answers that hold', true, true, 'rows whose answer is true, however coarse it is'],
  error: ['Not right to the end', true, false, 'rows whose answer is wrong or stops above the label'],
  lca_height: ['Height of mistakes, all rows', false, false, 'levels from the truth up to what it shares with the answer; 0 where right (LCA height)'],
  mistake_severity: ['Severity of mistakes', false, false, 'the same, mean over the mistakes alone'],
  depth: ['Depth of answers', false, null, 'levels down from the top, mean'],
  information: ['Information of answers', false, null, 'bits that an answer rules out, right or wrong, mean'],
  accuracy: ['Accuracy', true, true, 'rows where the most probable node of the level is right'],
  accuracy_of_decision: ['Accuracy of the decision', true, true, 'rows where the decision is right at the level'],
  balanced_accuracy: ['Balanced accuracy', true, true, 'the mean over nodes, so that rare ones count as much'],
  hierarchical_precision: ['Hierarchical precision', true, true, 'share of the answered node and its ancestors that is true'],
  hierarchical_recall: ['Hierarchical recall', true, true, 'share of the true node and its ancestors that is answered'],
  hierarchical_f1: ['Hierarchical F1', true, true, 'precision and recall in one'],
  lca_precision: ['LCA precision', true, true, 'precision up to the lowest common ancestor'],
  lca_recall: ['LCA recall', true, true, 'recall up to the lowest common ancestor'],
  lca_f1: ['LCA F1', true, true, 'both in one, up to the lowest common ancestor'],
  information_precision: ['Information precision', true, true, 'share of the answered bits that is right'],
  information_recall: ['Information recall', true, true, 'share of the true bits that is answered'],
  information_f1: ['Information F1', true, true, 'both in one, by bits'],
  average_precision: ['Average precision', true, true, 'area below the curve of precision against recall'],
  recall_at_precision: ['Recall at precision', true, true, 'how much can be said at that precision'],
  wasserstein: ['Tree distance', false, false, 'edges that probability has to move to the truth (Wasserstein)'],
  distance_at: ['Height of the best', false, false, 'mean height of mistakes of so many most probable classes'],
  coverage: ['Answered', true, null, 'rows with an answer at the level (coverage)'],
  risk: ['Wrong of the answered', true, false, 'wrong rows among those with an answer at the level (risk)'],
  aurc: ['Area under risk-coverage', true, false, 'mean risk over all coverages (AURC)'],
  ece: ['Calibration error', true, false, 'mean distance of confidence and accuracy (ECE)'],
  brier: ['Brier score', false, false, 'squared error of the probabilities'],
  log_loss: ['Log loss', false, false, 'surprise at the truth, in nats'],
  auprc: ['Average precision', true, true, 'of all pairs of a row and a node (AUPRC)'],
  violations: ['Violations', true, false, 'edges where the child is more probable than its parent'],
  loss: ['Loss', false, false, 'mean loss; compare only runs of the same loss'],
  training_seconds: ['Training time, s', false, null, 'wall clock'],
};

/** Metrics that belong together, with what they have in common; what is in none is at the end. */
const FAMILIES = [
  ['Answers: how often right, and how far off', ['right', 'error', 'lca_height', 'mistake_severity', 'depth', 'information']],
  ['At each level', ['accuracy', 'balanced_accuracy', 'ece', 'brier', 'log_loss', 'aurc']],
  ['Decisions at each level', ['accuracy_of_decision', 'coverage', 'risk']],
  ['Several labels a row', ['auprc', 'violations']],
  ['Precision, recall and F1 of answers with all that is above them', ['hierarchical_precision', 'hierarchical_recall', 'hierarchical_f1', 'lca_precision', 'lca_recall', 'lca_f1', 'information_precision', 'information_recall', 'information_f1']],
  ['Probabilities, whatever the decision', ['average_precision', 'recall_at_precision', 'wasserstein', 'distance_at']],
  ['Others', ['loss', 'training_seconds']],
];
const VARIANTS = { micro: 'rows pooled (micro)', macro: 'mean of nodes (macro)', samples: 'mean of rows (samples)' };

/** The metric of the list above that a key such as `hierarchical_f1_micro` is of. */
function baseOf(key) {
  const [name] = key.split('@');
  return Object.keys(METRICS).filter((known) => name === known || name.startsWith(`${known}_`)).sort((a, b) => b.length - a.length)[0];
}

/** Keys by family: `[title, keys]`, without those that have none. */
function inFamilies(keys, levels = []) {
  const last = FAMILIES.length - 1;
  const of = (key) => {
    const family = FAMILIES.findIndex(([, names]) => names.includes(baseOf(key)));
    return family < 0 ? last : family;
  };
  const ordered = inOrder(keys, levels);
  return FAMILIES.map(([title], family) => [title, ordered.filter((key) => of(key) === family)]).filter(([, some]) => some.length > 0);
}

/** Which way is better, for those who see and for those who hear. */
const DIRECTIONS = { true: ['↑', 'higher is better'], false: ['↓', 'lower is better'] };
function directionOf(isMore) {
  const found = DIRECTIONS[isMore];
  return found ? [element('span', { class: 'direction', 'aria-hidden': 'true', title: found[1] }, ` ${found[0]}`), element('span', { class: 'unseen' }, `, ${found[1]}`)] : [];
}

/** Title, unit, direction (null: neither) and meaning of a metric such as `hierarchical_f1_micro` or `ece@genus`. */
function metricOf(key) {
  const [name, level] = key.split('@');
  const found = baseOf(key);
  const [title, isShare, isMore, says] = found ? METRICS[found] : [name.replaceAll('_', ' '), false, null, ''];
  const rest = found ? name.slice(found.length + 1) : '';
  const variant = rest === '' ? '' : /^[\d.]+$/.test(rest) ? ` ${rest}` : `, ${VARIANTS[rest] ?? rest.replaceAll('_', ' ')}`;
  return { title: title + variant + (level ? ` at ${level}` : ''), isShare, isMore, says };
}

/** Metrics in the order of the list above, those of levels from the top, then the others. */
function inOrder(keys, levels = []) {
  const known = Object.keys(METRICS);
  const place = (key) => {
    const [name, level] = key.split('@');
    const found = known.indexOf(baseOf(key));
    const number = Number(name.match(/[\d.]+$/)?.[0] ?? 0);
    return [found < 0 ? known.length : found, level === undefined ? -1 : levels.indexOf(level), number, name];
  };
  const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return keys.map((key) => [key, place(key)])
    .sort(([, a], [, b]) => less(a[0], b[0]) || less(a[1], b[1]) || less(a[2], b[2]) || less(a[3], b[3])).map(([key]) => key);
}

/** Indices of the best of the values as they are printed; none where there is nothing to tell apart. */
function bestOf(values, { isShare, isMore }) {
  const shown = values.map((value) => (isNumber(value) ? Number(inUnit(value, isShare).replace('−', '-').replaceAll(',', '')) : null));
  const there = shown.filter(isNumber);
  if (there.length < 2 || isMore === null) return [];
  const best = isMore ? Math.max(...there) : Math.min(...there);
  if (there.every((value) => value === best)) return [];
  return shown.flatMap((value, index) => (value === best ? [index] : []));
}
