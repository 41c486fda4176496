// Study files: what they say, and what is wrong with those that say it badly.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pathsOf, spaceCells } from '../../src/figure/table/space.js';
import { isStudy, loadStudy, wholeNumbersOf } from '../../src/study/study-file.js';
import { temporaryFolder } from '../support/folder.js';
import { blocksOf, docsPage } from '../support/pages.js';

const folder = temporaryFolder();

function study(text: string): string {
  const path = join(folder, 'study.yaml');
  writeFileSync(path, text);
  return path;
}

describe('a study', () => {
  it('has axes, ranges, zipped axes, fixed values and metrics', () => {
    const path = study(`
run: quickstart
set: { workload.tokens: 100 }
axes:
  system: [fiddler, on-demand-lru]
  seed: 1..3
zip:
  - { hardware: [t4, ./my.yaml], workload.batch: [1, 8] }
metrics: [cache.hit_rate]
`);
    const { fixed, metrics, override, run, space } = loadStudy(path);
    expect(isStudy(path)).toBe(true);
    expect([run, metrics]).toEqual(['quickstart', ['cache.hit_rate']]);
    expect(fixed.map(({ path: at, value }) => [at.join('.'), value])).toEqual([['workload.tokens', 100]]);
    expect(pathsOf(space)).toEqual(['system', 'seed', 'hardware', 'workload.batch']);
    const cells = [...spaceCells(space)];
    expect(cells.length).toBe(12);
    expect(cells.at(-1)).toEqual(['on-demand-lru', 3, './my.yaml', 8]);
    // Files lie beside the study; the label is the place in the file.
    expect(override(2, './my.yaml')).toMatchObject({ path: ['hardware'], value: join(folder, 'my.yaml'), fromFile: true });
    expect(override(0, 'fiddler').label).toMatch(/study\.yaml:5:\d+$/);
    expect(override(2, 'rtx-3090+ryzen-9-7950x+nvme-7GB/s').value).toBe('rtx-3090+ryzen-9-7950x+nvme-7GB/s');
  });

  it('is told from a run profile', () => {
    expect(isStudy(study('system: fiddler\n'))).toBe(false);
  });

  it.each<[string, RegExp]>([
    ['axes: {}', /axes: nothing varies/],
    ['axes: { seed: [] }', /study\.yaml:1:15: axes\.seed: .*at least 1/],
    ['axes: { seed: [1, 1] }', /axes\.seed: 1 stands twice/],
    ['axes: { seed: 3..1 }', /3\.\.1 ends before it begins/],
    ['axes: { "a b": [1] }', /expected the path of a value of a run/],
    ['axes: { seed: [1] }\nset: { seed: 2 }', /set\.seed: is varied, too/],
    ['axes: { seed: [1] }\nexclude: [{ system: [fiddler] }]', /is not varied; varied are seed/],
    ['zip: [{ seed: [1, 2], hardware: [t4] }]', /need equally many values, not 2 and 1/],
    ['axes: { seed: [1] }\nzip: [{ seed: [2] }]', /is varied twice/],
    ['axes: { seed: [1] }\nmetrics: [cache.hitt]', /cache\.hitt.* is not in the metric catalogue/],
    ['axes: { seed: [1] }\nsample: { points: 0 }', /must be more than 0/],
    ['axes: { seed: [1] }\naxis: 3', /unknown key "axis"; did you mean "axes"/],
  ])('refuses %s', (text, message) => {
    expect(() => loadStudy(study(text))).toThrow(message);
  });
});

describe('a range', () => {
  it('is of whole numbers, both ends included', () => {
    expect(wholeNumbersOf('0..3')).toEqual([0, 1, 2, 3]);
    expect(wholeNumbersOf('lru')).toBeNull();
    expect(() => wholeNumbersOf('0..5000')).toThrow('0..5000 has more than 1000 values');
  });
});

it('docs/studies.md shows a study that can be read', () => {
  const [yaml] = blocksOf(docsPage('studies.md'));
  // 3 x 3 x 5 x 2, without 5 x 2 of fiddler.
  expect([...spaceCells(loadStudy(study(yaml!)).space)].length).toBe(80);
});
