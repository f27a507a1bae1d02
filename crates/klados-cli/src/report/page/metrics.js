// What metrics are called, in which unit they are, and which way is better.

/** By name: title, whether it is a share (shown in per cent), whether more is better, and what it says. */
const METRICS = {
  accuracy: ['Accuracy', true, true, 'rows where the most probable node of the level is right'],
  accuracy_of_decision: ['Accuracy of the decision', true, true, 'rows where the decision is right at the level'],
  balanced_accuracy: ['Balanced accuracy', true, true, 'the mean over nodes, so that rare ones count as much'],
  lca_height: ['LCA height', false, false, 'how far off predictions are, mean over all rows'],
  mistake_severity: ['Mistake severity', false, false, 'how far off wrong predictions are'],
  hierarchical_precision: ['Hierarchical precision', true, true, 'share of predicted nodes and ancestors that hold'],
  hierarchical_recall: ['Hierarchical recall', true, true, 'share of the true nodes and ancestors that are predicted'],
  hierarchical_f1: ['Hierarchical F1', true, true, 'both in one, by ancestors'],
  lca_precision: ['LCA precision', true, true, 'precision up to the lowest common ancestor'],
  lca_recall: ['LCA recall', true, true, 'recall up to the lowest common ancestor'],
  lca_f1: ['LCA F1', true, true, 'both in one, up to the lowest common ancestor'],
  information_precision: ['Information precision', true, true, 'share of the predicted information that is right'],
  information_recall: ['Information recall', true, true, 'share of the true information that is predicted'],
  information_f1: ['Information F1', true, true, 'both in one, by information'],
  average_precision: ['Average precision', true, true, 'area below the operating curve'],
  recall_at_precision: ['Recall at precision', true, true, 'how much can be said at that precision'],
  coverage: ['Coverage', true, true, 'rows with an answer at the level'],
  risk: ['Risk', true, false, 'wrong rows among those with an answer'],
  aurc: ['Area under risk-coverage', true, false, 'mean risk over all coverages'],
  ece: ['Calibration error', true, false, 'distance of confidence and accuracy (ECE)'],
  brier: ['Brier score', false, false, 'squared error of the probabilities'],
  log_loss: ['Log loss', false, false, 'surprise at the truth, in nats'],
  auprc: ['Average precision', true, true, 'of all pairs of a row and a node (AUPRC)'],
  violations: ['Violations', true, false, 'edges where the child is more probable than its parent'],
  wasserstein: ['Tree distance', false, false, 'mass times edges from prediction to truth'],
  distance_at: ['Distance at', false, false, 'mean distance of the first predictions from the truth'],
  loss: ['Loss', false, false, 'mean loss; compare only runs of the same loss'],
  training_seconds: ['Training time, s', false, null, 'wall clock'],
};
const VARIANTS = { micro: 'micro', macro: 'macro', information: 'by information' };

/** Title, unit, direction (null: neither) and meaning of a metric such as `hierarchical_f1_micro` or `ece@genus`. */
function metricOf(key) {
  const [name, level] = key.split('@');
  const found = Object.keys(METRICS).filter((known) => name === known || name.startsWith(`${known}_`))
    .sort((a, b) => b.length - a.length)[0];
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
    const found = known.findLastIndex((one) => name === one || name.startsWith(`${one}_`));
    return [found < 0 ? known.length : found, level === undefined ? -1 : levels.indexOf(level), name];
  };
  const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return keys.map((key) => [key, place(key)])
    .sort(([, a], [, b]) => less(a[0], b[0]) || less(a[1], b[1]) || less(a[2], b[2])).map(([key]) => key);
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
