// second-use.mjs: evicts experts that were used only once since they came, the oldest first; then the least recently used.
export default {
  name: 'second-use',
  summary: 'evicts the oldest expert that was used once, else the least recently used',
  cites: 'docs/extend.md',
  parameters: {
    uses: { default: 2, description: 'uses that earn an expert its place', min: 2 },
  },
  needs: [],
  create({ experts }, { uses }) {
    const count = new Uint32Array(experts); // uses since the expert became resident
    const order = new Set(); // residents, least recently used first
    return {
      touch(id) {
        count[id]++;
        order.delete(id);
        order.add(id);
      },
      insert(id, used) {
        count[id] = used ? 1 : 0;
        order.add(id);
      },
      remove(id) {
        order.delete(id);
      },
      victim(_incoming, pins) {
        let least = -1;
        for (const id of order) {
          if (pins.has(id)) continue;
          if (count[id] < uses) return id;
          if (least < 0) least = id;
        }
        return least;
      },
    };
  },
};
