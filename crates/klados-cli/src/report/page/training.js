// What `klados train` adds: curves by epoch, and pictures of mistakes.

function training(page) {
  const runs = page.data.training?.runs ?? [];
  if (runs.every(({ epochs }) => (epochs ?? []).length === 0)) return null;
  const names = runs.map(({ name }) => name);
  const what = page.data.training.measure ?? 'accuracy';
  const by = (value) => runs.map(({ epochs }, index) => (epochs ?? []).flatMap((epoch) => {
    const found = numeric(value(epoch) ?? null);
    return isNumber(found) ? [[epoch.epoch, found, index]] : [];
  }));
  const levels = [...new Set(runs.flatMap(({ epochs }) => (epochs ?? []).flatMap((epoch) => (epoch.levels ?? []).map(({ level }) => level))))];
  const epochs = (more) => axis('epoch', { isShare: false, minInterval: 1, splitLine: { show: false }, ...more });
  const last = Math.max(...runs.flatMap((run) => (run.epochs ?? []).map(({ epoch }) => epoch)));
  const figures = [...levels].reverse().map((level) => {
    const lines = by((epoch) => epoch.levels?.find((one) => one.level === level)?.value);
    return figure({
      title: `${what === 'accuracy' ? 'Right' : 'Average precision'} at ${level}`, height: 260, width: 'third',
      label: `${what} at ${level} after each epoch; the table below has the numbers`,
      option: () => options({
        xAxis: epochs({ min: Math.min(1, last), max: Math.max(last, 2) }), yAxis: axis('%', { isY: true, min: 0, max: 1, gap: 34 }),
        series: lines.map((points_, index) => line(names[index], index, points_)),
        tooltip: linesTooltip(([epoch]) => `epoch ${epoch}`, ([, value]) => percent(value)),
      }),
      rows: () => [['run', 'epoch', `${what}, %`], lines.flatMap((points_, index) => points_.map(([epoch, value]) => [names[index], String(epoch), percentage(value)]))],
    });
  });
  const [learnt, held] = [by((epoch) => epoch.train_loss), by((epoch) => epoch.validation_loss)];
  figures.push(figure({
    title: 'Loss', height: 260, width: 'third',
    read: 'Thin: on the training rows. Thick: on rows held out. Each run has its own loss: compare shapes, not heights.',
    label: 'Training and validation loss after each epoch; the table below has the numbers',
    option: () => options({
      xAxis: epochs({ min: Math.min(1, last), max: Math.max(last, 2) }), yAxis: axis('loss', { isY: true, isShare: false, min: 0, gap: 34 }),
      series: [
        ...learnt.map((points_, index) => line(`${names[index]}, training`, index, points_, { lineStyle: { color: color(index), width: 1, opacity: 0.75, type: dash(index) } })),
        ...held.map((points_, index) => line(`${names[index]}, held out`, index, points_)),
      ],
      tooltip: linesTooltip(([epoch]) => `epoch ${epoch}`, ([, value]) => plain(value)),
    }),
    rows: () => [['run', 'epoch', 'training loss', 'held-out loss'], runs.flatMap(({ name, epochs: list }) => (list ?? []).map((epoch) =>
      [name, String(epoch.epoch), plain(numeric(epoch.train_loss ?? null)), plain(numeric(epoch.validation_loss ?? null))]))],
  }));
  const read = `${what === 'accuracy' ? 'The share of rows that are right' : 'Average precision'} at each level after each epoch, on the rows held out to follow training, which are not those of the numbers above.`;
  return section('training', 'While training', paragraph(read), legendOf(names), element('div', { class: 'figures small' }, figures));
}

function galleries(page) {
  const shown = (page.data.galleries ?? []).filter(({ pictures }) => pictures.length > 0);
  if (shown.length === 0) return null;
  const picture = ({ picture: source, truth, taken_for: drawing, predicted }) => element('li', { class: 'mistake' },
    element('img', { src: source, alt: truth[truth.length - 1] ?? '' }), element('div', {}, truth.join(' › ')),
    element('img', { src: drawing, alt: '' }), element('div', {}, predicted.flatMap(({ name, percent: sure, right }, index) => [
      index > 0 ? ' › ' : '', element('span', { class: right ? 'right' : 'wrong' }, `${right ? '' : '✗ '}${name} ${sure} %`)])));
  return section('pictures', 'Pictures of confident mistakes',
    paragraph('Above, the picture and what it shows; below, what it was taken for, as another artist draws it, with the probability of each step. ✗ marks the steps that are wrong.'),
    shown.map(({ run, pictures }, index) => element('details', { open: index === 0 }, element('summary', {}, run), element('ul', { class: 'mistakes' }, pictures.map(picture)))));
}
