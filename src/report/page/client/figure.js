// Figures that zoom: a part is magnified while points and lines keep their size, so that what lies together comes apart, and every point
// says its figures. Browser code: it touches nothing but the page; without it, and on paper, the whole figure remains.
{
  const SVG = 'http://www.w3.org/2000/svg';
  /** Most magnification. */
  const MOST = 40;
  const magnified = (scale) => Math.min(MOST, Math.max(1, scale));

  /** A place of the screen, in the figure's own units. */
  const placeAt = (svg, clientX, clientY) => {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [x, y];
  };

  /** Points, with what they say: a title is drawn by the browser where a mouse rests. */
  const pointsOf = (svg) => [...svg.querySelectorAll('title')].filter((title) => title.parentNode !== svg).map((title) => title.parentNode);

  /** The part of a figure that is shown, the whole one at first; `points` keep their size. */
  const viewOf = (svg, points) => {
    const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);
    let view = { x: 0, y: 0, scale: 1 };
    const dots = points
      .filter((point) => point.tagName === 'circle' || (point.tagName === 'path' && point.hasAttribute('transform')))
      .map((point) => ({ point, radius: Number(point.getAttribute('r')), place: point.getAttribute('transform') }));

    const show = (x, y, wished) => {
      const scale = magnified(wished);
      const [w, h] = [width / scale, height / scale];
      view = { x: Math.min(width - w, Math.max(0, x)), y: Math.min(height - h, Math.max(0, y)), scale };
      svg.setAttribute('viewBox', `${view.x} ${view.y} ${w} ${h}`);
      for (const { point, radius, place } of dots) {
        if (point.tagName === 'circle') point.setAttribute('r', radius / Math.sqrt(scale));
        else point.setAttribute('transform', `${place} scale(${1 / Math.sqrt(scale)})`);
      }
    };
    const middle = () => [view.x + width / view.scale / 2, view.y + height / view.scale / 2];
    return {
      middle,
      all: () => show(0, 0, 1),
      pan: (dx, dy) => show(view.x + (dx * width) / view.scale, view.y + (dy * height) / view.scale, view.scale),
      zoom: (factor, [x, y] = middle()) => {
        const scale = magnified(view.scale * factor);
        const share = view.scale / scale;
        show(x - (x - view.x) * share, y - (y - view.y) * share, scale);
      },
      /** Moves to a place that is not shown. */
      reach: ([x, y]) => {
        const [w, h] = [width / view.scale, height / view.scale];
        if (x < view.x || x > view.x + w || y < view.y || y > view.y + h) show(x - w / 2, y - h / 2, view.scale);
      },
      /** Shows what lies between two corners; nothing where they are a click apart. */
      fill: (a, b) => {
        const [w, h] = [Math.abs(b[0] - a[0]), Math.abs(b[1] - a[1])];
        if (Math.max(w, h) * view.scale < 5) return;
        const scale = Math.min(MOST, width / w, height / h);
        show((a[0] + b[0]) / 2 - width / scale / 2, (a[1] + b[1]) / 2 - height / scale / 2, scale);
      },
    };
  };

  /** What is read out of a figure: `told` says the point that was chosen last. */
  const readerOf = (svg, points, view) => {
    const told = document.createElement('output');
    told.className = 'told';
    let at = -1;
    const placeOf = (element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return placeAt(svg, left + width / 2, top + height / 2);
    };
    return {
      told,
      choose: (step) => {
        if (points.length === 0) return;
        points[at]?.classList.remove('chosen');
        at = (step(at) + points.length) % points.length;
        const point = points[at];
        point.classList.add('chosen');
        told.textContent = point.querySelector('title').textContent;
        view.reach(placeOf(point));
      },
      /** Where a zoom stays: the chosen point, otherwise the middle of what is shown. */
      center: () => (at < 0 ? view.middle() : placeOf(points[at])),
    };
  };

  const listenToKeys = (box, view, { told, choose, center }) => {
    const actions = {
      ArrowLeft: () => choose((at) => at - 1),
      ArrowRight: () => choose((at) => at + 1),
      Home: () => choose(() => 0),
      End: () => choose(() => -1),
      '+': () => view.zoom(2, center()),
      '=': () => view.zoom(2, center()),
      '-': () => view.zoom(0.5),
      Escape: view.all,
    };
    const moves = { ArrowLeft: [-0.25, 0], ArrowRight: [0.25, 0], ArrowUp: [0, -0.25], ArrowDown: [0, 0.25] };
    box.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const move = event.shiftKey ? moves[event.key] : undefined;
      const action = move === undefined ? actions[event.key] : () => view.pan(...move);
      if (action === undefined) return;
      event.preventDefault();
      told.setAttribute('aria-live', 'polite');
      action();
    });
  };

  /** A frame drawn by dragging becomes what is shown; what lies under a mouse that rests is told. */
  const listenToMouse = (svg, view, told) => {
    let from = null;
    let frame = null;
    const endDrag = () => {
      frame?.remove();
      [from, frame] = [null, null];
    };
    svg.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      from = placeAt(svg, event.clientX, event.clientY);
      frame = document.createElementNS(SVG, 'rect');
      frame.setAttribute('class', 'frame');
      svg.append(frame);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener('pointermove', (event) => {
      if (from === null) {
        const title = event.target.closest?.('svg *')?.querySelector(':scope > title');
        told.setAttribute('aria-live', 'off');
        if (title && title.parentNode !== svg) told.textContent = title.textContent;
        return;
      }
      const [x, y] = placeAt(svg, event.clientX, event.clientY);
      const [width, height] = [Math.abs(x - from[0]), Math.abs(y - from[1])];
      const drawn = { x: Math.min(x, from[0]), y: Math.min(y, from[1]), width, height };
      for (const [name, value] of Object.entries(drawn)) frame.setAttribute(name, value);
    });
    svg.addEventListener('pointerup', (event) => {
      if (from === null) return;
      const corner = from;
      const other = placeAt(svg, event.clientX, event.clientY);
      endDrag();
      view.fill(corner, other);
    });
    svg.addEventListener('pointercancel', endDrag);
    svg.addEventListener('dblclick', view.all);
  };

  const build = (box) => {
    const svg = box.querySelector('svg');
    const points = pointsOf(svg);
    const view = viewOf(svg, points);
    const reader = readerOf(svg, points, view);
    box.classList.add('ready');
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    const keys = 'Arrow left and right read points, plus and minus zoom, shift with arrows moves, Escape shows the whole figure.';
    box.setAttribute('aria-label', `${svg.querySelector('title').textContent}. ${keys}`);
    listenToKeys(box, view, reader);
    listenToMouse(svg, view, reader.told);
    addEventListener('beforeprint', view.all);
    const tools = toolsOf('Drag over the figure to zoom, double-click for all of it.', [
      ['Zoom in', () => view.zoom(2, reader.center())],
      ['Zoom out', () => view.zoom(0.5)],
      ['Left', () => view.pan(-0.25, 0)],
      ['Right', () => view.pan(0.25, 0)],
      ['Up', () => view.pan(0, -0.25)],
      ['Down', () => view.pan(0, 0.25)],
      ['Whole figure', view.all],
    ]);
    box.before(tools);
    box.after(reader.told);
  };

  for (const box of document.querySelectorAll('.drawing')) build(box);
}
