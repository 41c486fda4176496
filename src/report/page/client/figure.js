// Figures that zoom: a part is magnified while points and lines keep their size, so that what lies together comes apart, and every point
// says its figures. Browser code: it touches nothing but the page; without it, and on paper, the whole figure remains.
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  /** Most magnification. */
  const MOST = 40;

  const build = (box) => {
    const svg = box.querySelector('svg');
    const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);
    let view = { x: 0, y: 0, scale: 1 };

    /** Points, with what they say: a title is drawn by the browser where a mouse rests. */
    const points = [...svg.querySelectorAll('title')].filter((title) => title.parentNode !== svg).map((title) => title.parentNode);
    const dots = points
      .filter((point) => point.tagName === 'circle' || (point.tagName === 'path' && point.hasAttribute('transform')))
      .map((point) => ({ point, radius: Number(point.getAttribute('r')), place: point.getAttribute('transform') }));

    const show = (x, y, scale) => {
      const now = Math.min(MOST, Math.max(1, scale));
      const [w, h] = [width / now, height / now];
      view = { x: Math.min(width - w, Math.max(0, x)), y: Math.min(height - h, Math.max(0, y)), scale: now };
      svg.setAttribute('viewBox', `${view.x} ${view.y} ${w} ${h}`);
      for (const { point, radius, place } of dots) {
        if (point.tagName === 'circle') point.setAttribute('r', radius / Math.sqrt(now));
        else point.setAttribute('transform', `${place} scale(${1 / Math.sqrt(now)})`);
      }
    };
    const middle = () => [view.x + width / view.scale / 2, view.y + height / view.scale / 2];
    const zoom = (factor, [x, y] = middle()) => {
      const scale = Math.min(MOST, Math.max(1, view.scale * factor));
      const share = view.scale / scale;
      show(x - (x - view.x) * share, y - (y - view.y) * share, scale);
    };
    const pan = (dx, dy) => show(view.x + (dx * width) / view.scale, view.y + (dy * height) / view.scale, view.scale);
    const all = () => show(0, 0, 1);

    /** Where an element stands, in the figure's own units. */
    const placeOf = (element) => {
      const { left, top, width: w, height: h } = element.getBoundingClientRect();
      return pointAt(left + w / 2, top + h / 2);
    };
    const pointAt = (clientX, clientY) => {
      const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [x, y];
    };

    const told = document.createElement('output');
    told.className = 'told';
    let at = -1;
    const choose = (next) => {
      if (points.length === 0) return;
      points[at]?.classList.remove('chosen');
      at = (next + points.length) % points.length;
      const point = points[at];
      point.classList.add('chosen');
      told.textContent = point.querySelector('title').textContent;
      const [x, y] = placeOf(point);
      const [w, h] = [width / view.scale, height / view.scale];
      if (x < view.x || x > view.x + w || y < view.y || y > view.y + h) show(x - w / 2, y - h / 2, view.scale);
    };
    const center = () => (at < 0 ? middle() : placeOf(points[at]));

    box.classList.add('ready');
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    const keys = 'Arrow left and right read points, plus and minus zoom, shift with arrows moves, Escape shows the whole figure.';
    box.setAttribute('aria-label', `${svg.querySelector('title').textContent}. ${keys}`);
    const actions = {
      ArrowLeft: () => choose(at - 1),
      ArrowRight: () => choose(at + 1),
      Home: () => choose(0),
      End: () => choose(points.length - 1),
      '+': () => zoom(2, center()),
      '=': () => zoom(2, center()),
      '-': () => zoom(0.5),
      Escape: all,
    };
    const moves = { ArrowLeft: [-0.25, 0], ArrowRight: [0.25, 0], ArrowUp: [0, -0.25], ArrowDown: [0, 0.25] };
    box.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const move = event.shiftKey ? moves[event.key] : undefined;
      const action = move === undefined ? actions[event.key] : () => pan(...move);
      if (action === undefined) return;
      event.preventDefault();
      told.setAttribute('aria-live', 'polite');
      action();
    });

    let from = null;
    let frame = null;
    const endDrag = () => {
      frame?.remove();
      [from, frame] = [null, null];
    };
    svg.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      from = pointAt(event.clientX, event.clientY);
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
      const [x, y] = pointAt(event.clientX, event.clientY);
      for (const [name, value] of Object.entries({
        x: Math.min(x, from[0]),
        y: Math.min(y, from[1]),
        width: Math.abs(x - from[0]),
        height: Math.abs(y - from[1]),
      }))
        frame.setAttribute(name, value);
    });
    svg.addEventListener('pointerup', (event) => {
      if (from === null) return;
      const [x, y] = pointAt(event.clientX, event.clientY);
      const [w, h] = [Math.abs(x - from[0]), Math.abs(y - from[1])];
      const [cx, cy] = [(x + from[0]) / 2, (y + from[1]) / 2];
      endDrag();
      if (Math.max(w, h) * view.scale < 5) return;
      const scale = Math.min(MOST, width / w, height / h);
      show(cx - width / scale / 2, cy - height / scale / 2, scale);
    });
    svg.addEventListener('pointercancel', endDrag);
    svg.addEventListener('dblclick', all);
    addEventListener('beforeprint', all);

    const tools = toolsOf('Drag over the figure to zoom, double-click for all of it.', [
      ['Zoom in', () => zoom(2, center())],
      ['Zoom out', () => zoom(0.5)],
      ['Left', () => pan(-0.25, 0)],
      ['Right', () => pan(0.25, 0)],
      ['Up', () => pan(0, -0.25)],
      ['Down', () => pan(0, 0.25)],
      ['Whole figure', all],
    ]);
    box.before(tools);
    box.after(told);
  };

  for (const box of document.querySelectorAll('.drawing')) build(box);
})();
