// The hierarchy: children, paths, and what a model did at each node. In a DAG a node is below its first parent.

/** Hierarchy by node index, from the data's `hierarchy`. */
function makeTree({ name, parent, classes = [], level = [] }) {
  const size = name.length;
  const children = Array.from({ length: size }, () => []);
  for (let node = 0; node < size; node += 1) if (parent[node] >= 0) children[parent[node]].push(node);
  // `first` numbers the nodes such that those at or below a node are `first[node]..last[node]`.
  const [first, last, depth] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  const order = [];
  const pending = [];
  for (let node = size - 1; node >= 0; node -= 1) if (parent[node] < 0) pending.push(node);
  while (pending.length > 0) {
    const node = pending.pop();
    first[node] = order.length;
    depth[node] = parent[node] < 0 ? 0 : depth[parent[node]] + 1;
    order.push(node);
    for (let index = children[node].length - 1; index >= 0; index -= 1) pending.push(children[node][index]);
  }
  const below = new Int32Array(size).fill(1);
  const classCount = new Int32Array(size);
  for (const node of classes) classCount[node] = 1;
  for (let index = size - 1; index >= 0; index -= 1) {
    const node = order[index];
    last[node] = first[node] + below[node];
    if (parent[node] >= 0) {
      below[parent[node]] += below[node];
      classCount[parent[node]] += classCount[node];
    }
  }
  const isBelow = (node, top) => first[node] >= first[top] && first[node] < last[top];
  /** From the top down to the node. */
  const lineage = (node) => {
    const path = [];
    for (let at = node; at >= 0; at = parent[at]) path.push(at);
    return path.reverse();
  };
  /** A name without what it repeats of its parent's, as in `animals/birds/owl`. */
  const short = (node) => {
    const above = parent[node] >= 0 ? `${name[parent[node]]}/` : '';
    return above.length > 1 && name[node].startsWith(above) ? name[node].slice(above.length) : name[node];
  };
  const root = order[0];
  /** The path without the root, which everything is below. */
  const path = (node) => lineage(node).filter((at) => at !== root || node === root).map(short).join(' › ');
  /** The child of `top` that is at or above `node`. */
  const branch = (node, top) => {
    let at = node;
    while (at >= 0 && depth[at] > depth[top] + 1) at = parent[at];
    return at;
  };
  return { size, name, parent, children, first, last, depth, classCount, level, root, isBelow, lineage, short, path, branch };
}

/** What a model did, by node. */
function makeOutcome(tree, model) {
  const rows = model.nodes?.rows ?? [];
  const wrong = model.nodes?.wrong ?? [];
  const pairs = (model.confusion ?? []).filter(([truth, taken]) => truth < tree.size && taken < tree.size);
  const sorted = (column) => {
    const list = [...pairs].sort((a, b) => tree.first[a[column]] - tree.first[b[column]]);
    return { list, keys: Int32Array.from(list, (pair) => tree.first[pair[column]]) };
  };
  const [byTruth, byTaken] = [sorted(0), sorted(1)];
  const start = (keys, at) => {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] < at) low = middle + 1; else high = middle;
    }
    return low;
  };
  const slice = ({ list, keys }, node) => list.slice(start(keys, tree.first[node]), start(keys, tree.last[node]));
  const gathered = (counts) => [...counts].map(([node, count]) => ({ node, count })).sort((a, b) => b.count - a.count);
  /** `other` at the depth of `node`, or where it ends above that. */
  const beside = (other, node) => {
    let at = other;
    while (tree.depth[at] > tree.depth[node]) at = tree.parent[at];
    return at;
  };
  const gather = (list, node, column) => {
    const counts = new Map();
    for (const pair of list) {
      const other = beside(pair[column], node);
      // A decision above the node is no mistake, and a label above it says nothing of the node.
      if (other === node || tree.isBelow(node, other)) continue;
      counts.set(other, (counts.get(other) ?? 0) + pair[2]);
    }
    return gathered(counts);
  };
  return {
    rows,
    wrong,
    pairs,
    /** The share of the node's rows where the decision is wrong at it, or null. */
    error: (node) => (rows[node] > 0 && isNumber(wrong[node]) ? wrong[node] / rows[node] : null),
    /** What rows of this node were taken for, at its depth, the most frequent first. */
    takenFor: (node) => gather(slice(byTruth, node), node, 1),
    /** What was taken for this node, at its depth, the most frequent first. */
    mistaken: (node) => gather(slice(byTaken, node), node, 0),
    /** Pairs whose label is at or below the node. */
    pairsBelow: (node) => slice(byTruth, node),
  };
}
