// Time series that zoom, by uPlot, in place of the pictures that stand still: all charts of a page show the same time. Browser code: it
// reads the embedded data and touches nothing but the page; without it, and on paper, the pictures remain.
{
  const { series } = JSON.parse(document.getElementById('data').textContent).details;
  const bin = series.binNs / 1e9;
  const bins = series.hits.length;
  const end = bins * bin;
  // Bins by where they start, s; a last point ends the last bin.
  const x = Array.from({ length: bins + 1 }, (_, k) => k * bin);
  const column = (at) => x.map((_, k) => at(Math.min(k, bins - 1)));
  const percent = (share) => Math.min(100, 100 * share);

  /** What each chart shows; `values` as they are drawn, `read` as they are told. */
  const chartOf = (name) => {
    if (name === 'rates') {
      const { hits, late, misses, stallNs } = series;
      const rate = column((k) => {
        const demand = hits[k] + late[k] + misses[k];
        return demand > 0 ? (100 * hits[k]) / demand : null;
      });
      const waiting = column((k) => percent(stallNs[k] / series.binNs));
      return {
        lines: [
          { color: 'stall', values: waiting },
          { color: 'hit', values: rate },
        ],
        read: (k) => [`hit rate ${rate[k] === null ? 'none, nothing was asked for' : say(rate[k])}`, `waiting ${say(waiting[k])}`],
      };
    }
    const { lanes, demandNs, prefetchNs } = series.links[Number(name.split(' ')[1])];
    const share = (values) => (k) => values[k] / series.binNs / lanes;
    const demand = column((k) => percent(share(demandNs)(k)));
    const both = column((k) => percent(share(demandNs)(k) + share(prefetchNs)(k)));
    return {
      // The prefetches stand upon what is drawn over them.
      lines: [
        { color: 'late', values: both, filled: true },
        { color: 'miss', values: demand, filled: true },
      ],
      read: (k) => [`on demand ${say(demand[k])}`, `prefetch ${say(both[k] - demand[k])}`],
    };
  };
  const say = (value) => `${value.toFixed(1)} %`;

  /** Seconds in the unit of `size`, with as many decimals as tell steps of `step` apart. */
  const time = (seconds, size, step) => {
    const [unit, scale] = [
      ['s', 1],
      ['ms', 1e-3],
      ['us', 1e-6],
      ['ns', 1e-9],
    ].find((entry) => size >= entry[1] * 0.999) ?? ['ns', 1e-9];
    const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step / scale) - 1e-9)));
    return `${(seconds / scale).toFixed(decimals)} ${unit}`;
  };

  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const view = { from: 0, to: end };
  const charts = [];

  /** Shows a part of the run in all charts. */
  const show = (from, to) => {
    const span = Math.min(end, Math.max(5 * bin, to - from));
    view.from = Math.min(Math.max(0, from), end - span);
    view.to = view.from + span;
    for (const chart of charts) chart.setScale('x', { min: view.from, max: view.to });
  };
  const whole = () => show(0, end);
  const zoom = (factor, center = (view.from + view.to) / 2) =>
    show(center - (center - view.from) * factor, center + (view.to - center) * factor);
  const pan = (share) => {
    const span = view.to - view.from;
    const from = Math.min(Math.max(0, view.from + share * span), end - span);
    show(from, from + span);
  };

  /** The bin that a position is in, counted in bins. */
  const binAt = (position) => Math.min(bins - 1, Math.max(0, Math.floor(position)));

  const axes = () => {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: () => color('soft'), font, ticks: { show: false } };
    const rule = { stroke: () => color('faint'), width: 1 };
    const times = (_chart, splits) => splits.map((value) => time(value, view.to, splits.length > 1 ? splits[1] - splits[0] : end));
    const shares = (_chart, splits) => splits.map((value) => `${value} %`);
    return [
      { ...axis, size: 28, grid: { show: false }, space: 90, values: times },
      { ...axis, size: 62, gap: 6, grid: rule, space: 30, values: shares },
    ];
  };

  const lineOf = ({ color: name, filled }) => ({
    stroke: () => color(name),
    fill: filled ? () => color(name) : undefined,
    width: filled ? 0 : 1.5,
    points: { show: false },
    spanGaps: true,
    paths: uPlot.paths.stepped({ align: 1 }),
  });

  /** Shows in all charts what was selected in one by dragging. */
  const showSelected = (chart) => {
    const { left, width } = chart.select;
    if (width < 5) return;
    const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    show(from, to);
  };

  /** Options of uPlot; `tell` gets the bin under the cursor, null where there is none. */
  const optionsOf = (lines, size, tell) => ({
    ...size,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'time' },
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => whole },
      // The bin that the pointer is in, not the nearest start of one.
      dataIdx: (_chart, _series, _nearest, value) => binAt(value / bin),
    },
    scales: { x: { time: false, range: () => [view.from, view.to] }, y: { range: [0, 100] } },
    axes: axes(),
    series: [{}, ...lines.map(lineOf)],
    hooks: {
      setSelect: [showSelected],
      setCursor: [({ cursor: { left }, posToVal }) => tell(left >= 0 ? binAt(posToVal(left, 'x') / bin + 1e-6) : null)],
    },
  });

  const listenToKeys = (box, chart, readout) => {
    let at = 0;
    const point = (k) => {
      at = Math.min(bins - 1, Math.max(0, k));
      const middle = (at + 0.5) * bin;
      if (middle < view.from || middle > view.to) pan((middle - (view.from + view.to) / 2) / (view.to - view.from));
      chart.setCursor({ left: chart.valToPos(middle, 'x'), top: 1 });
    };
    const actions = {
      ArrowLeft: () => point(at - 1),
      ArrowRight: () => point(at + 1),
      Home: () => point(0),
      End: () => point(bins - 1),
      PageUp: () => pan(-0.5),
      PageDown: () => pan(0.5),
      '+': () => zoom(0.5, (at + 0.5) * bin),
      '=': () => zoom(0.5, (at + 0.5) * bin),
      '-': () => zoom(2),
      Escape: whole,
    };
    box.addEventListener('keydown', (event) => {
      const action = actions[event.key];
      if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      readout.setAttribute('aria-live', 'polite');
      action();
    });
    // What follows a mouse is not read out.
    box.addEventListener('pointermove', () => readout.setAttribute('aria-live', 'off'));
  };

  const build = (place) => {
    const { lines, read } = chartOf(place.dataset.live);
    const picture = place.querySelector('svg');
    const box = document.createElement('div');
    box.className = 'live';
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    const keys = 'Arrow keys read values, plus and minus zoom, page up and down move, Escape shows the whole run.';
    box.setAttribute('aria-label', `${picture.getAttribute('aria-label')}. ${keys}`);
    const readout = document.createElement('output');
    readout.className = 'readout';
    const height = () => picture.parentNode.offsetHeight + 32;
    box.style.minHeight = `${height()}px`;
    place.classList.add('zooms');
    place.insertBefore(box, place.querySelector('.xtitle'));
    place.insertBefore(readout, box);

    const size = () => ({ width: box.clientWidth, height: height() });
    const tell = (k) => {
      readout.textContent = k === null ? '' : `${time(k * bin, view.to, bin)}: ${read(k).join(', ')}`;
    };
    const chart = new uPlot(optionsOf(lines, size(), tell), [x, ...lines.map(({ values }) => values)], box);
    charts.push(chart);
    new ResizeObserver(() => chart.setSize(size())).observe(box);
    listenToKeys(box, chart, readout);
  };

  const places = [...document.querySelectorAll('[data-live]')];
  for (const place of places) build(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const chart of charts) chart.redraw(false, true);
  });

  const tools = toolsOf('Drag over a chart to zoom, double-click for the whole run.', [
    ['Zoom in', () => zoom(0.5)],
    ['Zoom out', () => zoom(2)],
    ['Earlier', () => pan(-0.5)],
    ['Later', () => pan(0.5)],
    ['Whole run', whole],
  ]);
  places[0].closest('section').querySelector('.about').after(tools);
}
