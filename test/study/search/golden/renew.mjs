// What every cell of the spaces beside this file gives, whole and short, as the engine computes it today: fixtures for replay.test.ts. After
// `npm run build`, from the root: node test/study/search/golden/renew.mjs [name...]. A space takes some minutes.
import { writeFileSync } from 'node:fs';
import { bySystem, equalFooting } from '../../../../build/study/sweep/equal-footing.js';
import { figureIn } from '../../../../build/study/search/objective.js';
import { loadSearch } from '../../../../build/study/search/search-file.js';
import { shorterRun } from '../../../../build/study/search/short-runs.js';
import { pathsOf, spaceCells } from '../../../../build/figure/table/space.js';
import { simulateRun } from '../../../../build/engine/simulate.js';
import { checkRun, loadRun } from '../../../../build/system/load-run.js';

const here = (name) => new URL(name, import.meta.url).pathname;
const names = process.argv.slice(2);

for (const name of names.length > 0 ? names : ['policies', 'serving', 'machines']) {
  const { objectives, prefix, study } = loadSearch(here(`${name}.yaml`));
  const figures = { short: [], whole: [] };
  const cells = [...spaceCells(study.space)];
  const own = (cell) => [...study.fixed, ...cell.map((value, at) => study.override(at, value))];
  // As in a search: all on one footing.
  const alike = await equalFooting(bySystem(cells, pathsOf(study.space)).map((cell) => () => specOf(study.run, own(cell))));
  for (const cell of cells) {
    const overrides = [...own(cell), ...alike];
    const one = async (make) => {
      try {
        const value = figureIn(await simulateRun(make(specOf(study.run, overrides))), objectives[0]);
        return value === null ? null : Number(value.toPrecision(5));
      } catch {
        return null;
      }
    };
    figures.short.push(await one((run) => shorterRun(run, prefix)));
    figures.whole.push(await one((run) => run));
  }
  const lines = Object.entries(figures).map(([kind, values]) => `  "${kind}": [${values.map((value) => value ?? 'null').join(',')}]`);
  writeFileSync(here(`${name}.json`), `{\n${lines.join(',\n')}\n}\n`);
  console.log(`${name}: ${figures.whole.length} cells`);
}

function specOf(run, overrides) {
  return run === undefined ? checkRun({}, 'space', overrides) : loadRun(run, overrides);
}
