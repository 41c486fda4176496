// The count under the pointer, or under the arrow keys, in heatmaps. Browser code: it reads the embedded data and touches nothing but the
// page; without it the heatmap is still a picture with a sentence.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  for (const tip of document.querySelectorAll('output.tip')) {
    const loads = tip.dataset.heat.split('.').reduce((value, key) => value[key], data);
    const area = tip.parentNode;
    const rows = loads.length;
    const columns = Math.max(...loads.map((row) => row.length));
    let [layer, expert] = [0, -1];

    /** Says what is at the cell, beside it. */
    const show = () => {
      const count = loads[layer]?.[expert];
      tip.hidden = count === undefined;
      if (tip.hidden) return;
      const { width, height } = area.getBoundingClientRect();
      tip.textContent = `layer ${layer}, expert ${expert}: ${count.toLocaleString('en')} load${count === 1 ? '' : 's'}`;
      const half = tip.offsetWidth / 2;
      tip.style.left = `${Math.min(width - half, Math.max(half, ((expert + 0.5) / columns) * width))}px`;
      tip.style.top = `${(layer / rows) * height}px`;
    };
    const hide = () => {
      tip.hidden = true;
    };

    area.addEventListener('pointermove', (event) => {
      const box = area.getBoundingClientRect();
      // What follows a mouse is not read out.
      tip.setAttribute('aria-live', 'off');
      layer = Math.floor(((event.clientY - box.top) / box.height) * rows);
      expert = Math.floor(((event.clientX - box.left) / box.width) * columns);
      show();
    });
    area.addEventListener('pointerleave', hide);

    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const picture = area.querySelector('[role=img]').getAttribute('aria-label');
    area.tabIndex = 0;
    area.setAttribute('role', 'group');
    area.setAttribute('aria-label', `${picture} Arrow keys read single experts.`);
    area.addEventListener('keydown', (event) => {
      const step = steps[event.key];
      if (event.key === 'Escape') hide();
      if (step === undefined) return;
      event.preventDefault();
      tip.setAttribute('aria-live', 'polite');
      layer = Math.min(rows - 1, Math.max(0, layer + step[0]));
      expert = Math.min(columns - 1, Math.max(0, expert + step[1]));
      show();
    });
    area.addEventListener('blur', hide);
  }
})();
