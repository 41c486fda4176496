// What a script adds to the report where one may run: the expert under the pointer, and time series that zoom. Without it, nothing is
// missing. Plain browser JavaScript as text: it reads the embedded data and touches nothing but the page.

/** Code of the page; runs once, at its end. */
export const SCRIPT = `'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const heat = document.querySelector('.heat');
  if (heat && data.loads) {
    const tip = heat.parentNode.querySelector('.tip');
    const rows = data.loads.length;
    const columns = Math.max(...data.loads.map((row) => row.length));
    heat.parentNode.addEventListener('pointermove', (event) => {
      const box = heat.getBoundingClientRect();
      const layer = Math.floor(((event.clientY - box.top) / box.height) * rows);
      const expert = Math.floor(((event.clientX - box.left) / box.width) * columns);
      const loads = data.loads[layer] && data.loads[layer][expert];
      tip.hidden = loads === undefined;
      if (tip.hidden) return;
      tip.textContent = 'layer ' + layer + ', expert ' + expert + ': ' + loads + (loads === 1 ? ' load' : ' loads');
      tip.style.left = Math.min(box.width - 90, Math.max(90, event.clientX - box.left)) + 'px';
      tip.style.top = event.clientY - box.top + 'px';
    });
    heat.parentNode.addEventListener('pointerleave', () => { tip.hidden = true; });
  }
})();
`;
