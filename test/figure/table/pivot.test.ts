// Tables of papers, by hand: statistics, Student's interval, what is best and whether that is chance; and LaTeX that compiles.
import { describe, expect, it } from 'vitest';
import { figureOf } from '../../../src/figure/figure.js';
import { Labels } from '../../../src/figure/table/labels.js';
import { type PivotQuestion, pivotOf, statisticOf } from '../../../src/figure/table/pivot.js';
import { pivotReports } from '../../../src/figure/table/pivot-report.js';
import type { RunRow } from '../../../src/figure/table/run-row.js';

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

const row = (system: string, trace: string, seed: number, tpot: number): RunRow => ({
  status: 'done',
  reason: null,
  key: { system, trace, seed },
  values: { seed },
  metrics: { 'latency.tpot.p50': tpot * 1e6 },
});
const ROWS = [
  ...[10, 11, 12, 13, 14].map((ms, seed) => row('b_1', 'code', seed, ms)),
  ...[20, 21, 22, 23, 24].map((ms, seed) => row('a', 'code', seed, ms)),
  row('a', 'math', 0, 5),
  { ...row('c', 'code', 0, 0), status: 'refused' as const, reason: 'no', metrics: {} },
];
const QUESTION: PivotQuestion = { rows: ['system'], columns: ['trace'], metrics: ['latency.tpot.p50'], statistics: ['median', 'ci'] };
const render = (name: string): string => pivotReports.find((format) => format.name === name)!.render(pivotOf(ROWS, QUESTION), OPTIONS);

describe('a pivot', () => {
  it('puts the runs of a cell together, in the order of the study', () => {
    const pivot = pivotOf(ROWS, QUESTION);
    expect(pivot.rowKeys).toEqual([['b_1'], ['a']]);
    expect(pivot.columnKeys).toEqual([['code'], ['math']]);
    expect(pivot.without).toBe(1);
    const [table] = pivot.tables;
    expect(table!.cells.map((cells) => cells.map((cell) => cell?.samples.length ?? 0))).toEqual([
      [5, 0],
      [5, 1],
    ]);
  });

  it('marks the best of a column, and whether it is more than chance', () => {
    const [table] = pivotOf(ROWS, QUESTION).tables;
    // Five against five, all below: p = 2 / 252.
    expect(table!.cells[0]![0]).toMatchObject({ best: true, significant: true });
    expect(table!.cells[1]![0]).toMatchObject({ best: false, significant: null });
    // Alone in its column, it has nothing to be better than.
    expect(table!.cells[1]![1]).toMatchObject({ best: false });
    const mixed = [
      ...[1, 3, 5, 7, 9].map((ms, seed) => row('x', 't', seed, ms)),
      ...[2, 4, 6, 8, 10].map((ms, seed) => row('y', 't', seed, ms)),
    ];
    expect(pivotOf(mixed, QUESTION).tables[0]!.cells[0]![0]).toMatchObject({ best: true, significant: false });
    // Two runs each cannot tell at 5 %: the smallest p is 2 / 6.
    const few = [...[1, 2].map((ms, seed) => row('x', 't', seed, ms)), ...[8, 9].map((ms, seed) => row('y', 't', seed, ms))];
    expect(pivotOf(few, QUESTION).tables[0]!.cells[0]![0]).toMatchObject({ best: true, significant: null });
  });

  it('takes runs that are the same to the last digit for one: their seeds change nothing', () => {
    const same = [1, 2, 3, 4, 5].flatMap((seed) => [row('a', 'code', seed, 10), row('b', 'code', seed, 20)]);
    const [best] = pivotOf(same, QUESTION).tables[0]!.cells[0]!;
    expect([best!.best, best!.significant, best!.samples.length]).toEqual([true, null, 5]);
    const text = pivotReports[0]!.render(pivotOf(same, QUESTION), OPTIONS);
    expect(text).toContain('Runs that are the same to the last digit');
    expect(text).not.toContain('*');
    expect(render('table')).not.toContain('last digit');
  });

  it('shows no spread of one run, and keeps the order of a study', () => {
    const one = [row('z', 'code', 0, 10), row('a', 'code', 0, 20)];
    const pivot = pivotOf(one, QUESTION);
    expect(pivot.rowKeys).toEqual([['z'], ['a']]);
    expect(pivotReports[0]!.render(pivot, OPTIONS)).toMatch(/^z +10.0 ± n\/a$/m);
    const csv = pivotReports.find(({ name }) => name === 'csv')!.render(pivot, OPTIONS);
    expect(csv).toContain('z,code,latency.tpot.p50,ns,10000000,,1\n');
  });
});

describe('rows of a pivot', () => {
  it('says in which names the runs of a cell differ, beside the seed', () => {
    expect(pivotOf(ROWS, QUESTION).mixed).toEqual([]);
    expect(pivotOf(ROWS, { ...QUESTION, columns: [] }).mixed).toEqual(['trace']);
    const cached = ['25%', '50%'].map((expertCache) => ({
      ...row('a', 'code', 0, 1),
      config: { memory: { expertCache }, workload: { batch: 1 } },
    }));
    const pivot = pivotOf(cached, QUESTION);
    expect(pivot.mixed).toEqual(['memory.expertCache']);
    expect(pivotReports[0]!.render(pivot, OPTIONS)).toMatch(/^! Runs of one cell differ in memory\.expertCache: name them in --rows or/m);
    const varied = [1, 4].map((batch) => ({ ...row('a', 'code', 0, batch), values: { 'workload.batch': batch } }));
    expect(pivotOf(varied, QUESTION).mixed).toEqual(['workload.batch']);
    expect(pivotOf(varied, { ...QUESTION, columns: ['workload.batch'] }).mixed).toEqual([]);
  });

  it('sorts what comes in no order', () => {
    const loose = ['10%', '9%', '25%'].map((size) => ({ ...row(size, 't', 0, 1), values: {}, config: {} }));
    expect(pivotOf(loose, QUESTION).rowKeys.flat()).toEqual(['9%', '10%', '25%']);
  });

  it('takes more runs than a call takes arguments', () => {
    const runs = Array.from({ length: 200_000 }, (_, seed) => row('a', 'code', seed, 1 + (seed % 9)));
    const pivot = pivotOf(runs, { ...QUESTION, statistics: ['min', 'max', 'n'] });
    expect(pivotReports[0]!.render(pivot, OPTIONS)).toMatch(/^a +1\.00 9\.00 n=200000$/m);
    const { points } = figureOf(runs, { kind: 'bar', x: 'system', y: 'latency.tpot.p50', series: null, facet: null, statistic: 'median' });
    expect(points.map(({ high, low, runs: count }) => [low, high, count])).toEqual([[1, 9, 200_000]]);
  });

  it('refuses what no run has', () => {
    expect(() => pivotOf(ROWS, { ...QUESTION, rows: ['sytem'] })).toThrow('sytem: no run has it; did you mean "system"?');
    expect(() => pivotOf(ROWS, { ...QUESTION, metrics: ['latency.ttft.p50'] })).toThrow('--value latency.ttft.p50: no run has it');
  });
});

describe('oracles', () => {
  const future = (run: RunRow): RunRow => ({ ...run, key: { ...run.key, knowledge: 'future' } });
  const runs = [future(row('belady', 'code', 0, 1)), row('a', 'code', 0, 20), row('b', 'code', 0, 10)];

  it('come last, and are neither the best nor the next', () => {
    const pivot = pivotOf(runs, QUESTION);
    expect([pivot.rowKeys.flat(), pivot.oracles]).toEqual([['a', 'b', 'belady'], 1]);
    expect(pivot.tables[0]!.cells.flat().map((cell) => cell!.best)).toEqual([false, true, false]);
    expect(pivotReports[0]!.render(pivot, OPTIONS)).toMatch(/^b is best in 1 of 1 column\n[\s\S]*Last come oracles[\s\S]*\(belady\)/);
  });

  it('alone have no best', () => {
    const pivot = pivotOf(runs.slice(0, 1), QUESTION);
    expect(pivot.tables[0]!.cells.flat().map((cell) => cell!.best)).toEqual([false]);
    expect(pivotReports[0]!.render(pivot, OPTIONS)).toMatch(/^Every row knows the future/);
    expect(pivotReports.find(({ name }) => name === 'latex')!.render(pivot, OPTIONS)).not.toMatch(/Bold|midrule[\s\S]*midrule/);
  });
});

describe('LaTeX', () => {
  const latexOf = (rows: readonly RunRow[], question: Partial<PivotQuestion>, labels: string[] = []): string[] =>
    pivotReports
      .find(({ name }) => name === 'latex')!
      .render(pivotOf(rows, { ...QUESTION, statistics: ['median'], ...question }, new Labels(labels)), OPTIONS)
      .split('\n')
      .map((line) => line.trim());
  const grid = ['t4', 'rtx-4090'].flatMap((hardware, h) =>
    ['25%', '50%'].map((size, s) => {
      const plain = row('a', 'code', 0, 100 * h + 10 * s + 1);
      return {
        ...plain,
        key: { ...plain.key, hardware },
        values: { 'memory.expertCache': size },
        metrics: { ...plain.metrics, 'cache.hit_rate': 0.5 },
      };
    }),
  );

  it('has a level of heads for each name of the columns, and a rule below what spans several', () => {
    const lines = latexOf([grid[0]!, grid[2]!, grid[1]!, grid[3]!], { columns: ['hardware', 'memory.expertCache'] }, ['t4=Tesla T4']);
    const at = lines.indexOf('\\toprule');
    expect(lines.slice(at + 1, at + 8)).toEqual([
      '& \\multicolumn{4}{c}{latency.tpot.p50 (ms)} \\\\',
      '\\cmidrule(lr){2-5}',
      '& \\multicolumn{2}{c}{Tesla T4} & \\multicolumn{2}{c}{rtx-4090} \\\\',
      '\\cmidrule(lr){2-3} \\cmidrule(lr){4-5}',
      'system & 25\\% & 50\\% & 25\\% & 50\\% \\\\',
      '\\midrule',
      'a & 1.0 & 11.0 & 101.0 & 111.0 \\\\',
    ]);
  });

  it('has metrics side by side if nothing makes columns, each with its unit, and a name once for rows that share it', () => {
    const lines = latexOf(grid, { rows: ['hardware', 'memory.expertCache'], columns: [], metrics: ['latency.tpot.p50', 'cache.hit_rate'] });
    expect(lines).toContain('&  & latency.tpot.p50 & cache.hit\\_rate \\\\');
    expect(lines).toContain('hardware & memory.expertCache & (ms) & (\\%) \\\\');
    expect(lines.filter((line) => line.includes('& 50.0 \\\\'))).toEqual([
      't4 & 25\\% & \\textbf{1.0} & 50.0 \\\\',
      '& 50\\% & 11.0 & 50.0 \\\\',
      'rtx-4090 & 25\\% & 101.0 & 50.0 \\\\',
      '& 50\\% & 111.0 & 50.0 \\\\',
    ]);
  });

  it('has braces before a row that begins as an argument of the line above would', () => {
    const names = (...labels: string[]) =>
      latexOf(grid, { rows: ['hardware'], columns: [] }, labels).filter((line) => / & .*\\\\$/.test(line));
    expect(names('t4=[2pt]', 'rtx-4090=*x')).toEqual([
      expect.stringMatching(/^hardware & /),
      expect.stringMatching(/^\{\}\[2pt\] & /),
      expect.stringMatching(/^\{\}\*x & /),
    ]);
    expect(names('t4=a [b]*')[1]).toMatch(/^a \[b\]\* & /);
  });

  it('stands across both columns of a page if one is too narrow', () => {
    expect(latexOf(grid, { columns: ['hardware'] })).toContain('\\begin{table}');
    const long = ['t4=a machine with a long name', 'rtx-4090=another machine with a long name'];
    expect(latexOf(grid, { columns: ['hardware'] }, long)).toContain('\\begin{table*}');
  });
});

describe('statistics', () => {
  it('are those of the textbook', () => {
    const samples = [10, 11, 12, 13, 14];
    expect(statisticOf(samples, 'mean')).toBe(12);
    expect(statisticOf(samples, 'median')).toBe(12);
    expect(statisticOf(samples, 'std')).toBeCloseTo(Math.sqrt(2.5), 12);
    // t(4) = 2.776.
    expect(statisticOf(samples, 'ci')).toBeCloseTo((2.776 * Math.sqrt(2.5)) / Math.sqrt(5), 12);
    expect([statisticOf([7], 'ci'), statisticOf([7], 'std'), statisticOf(samples, 'n')]).toEqual([0, 0, 5]);
    // t(100) = 1.9840 (tables).
    const many = Array.from({ length: 101 }, (_, i) => i);
    expect(statisticOf(many, 'ci') / (statisticOf(many, 'std') / Math.sqrt(101))).toBeCloseTo(1.984, 3);
  });
});

describe('formats', () => {
  it('show interval and star in a terminal', () => {
    expect(render('table')).toMatch(/^b_1 +12\.0 ± 2\.0 \*/m);
    expect(render('table')).toContain('1 run without metrics is left out');
  });

  it('have a line a cell in CSV, in full precision', () => {
    const [head, first] = render('csv').split('\n');
    expect(head).toBe('system,trace,metric,unit,median,ci,n');
    expect(first!.split(',').slice(0, 5)).toEqual(['b_1', 'code', 'latency.tpot.p50', 'ns', '12000000']);
  });

  it('are LaTeX with booktabs, everything escaped, the best bold', () => {
    const text = render('latex');
    expect(text).toContain('\\begin{tabular}{lrr}');
    expect(text).toContain('& \\multicolumn{2}{c}{latency.tpot.p50 (ms)} \\\\');
    expect(text).toContain('b\\_1 & \\textbf{12.0 $\\pm$ 2.0}$^{*}$ &  \\\\');
    expect(text).toMatch(/^% Needs \\usepackage\{booktabs\}\.\n% 1 run without metrics is left out\n\\begin\{table\}/);
    expect(text).toContain(
      '\\caption{latency.tpot.p50 by system, trace. Median, ci over the runs of a cell. Bold: the best of its column. $\\pm$ is half of',
    );
    expect(text).toContain('. $^{*}$ better than the runner-up of its column');
    expect(text).toContain('\\label{tab:latency.tpot.p50}');
    expect((text.match(/\\(top|mid|bottom)rule/g) ?? []).length).toBe(3);
    // As many columns in every line as the head says, and braces that match.
    for (const line of text.split('\n').filter((line) => line.endsWith('\\\\'))) {
      const spanned = [...line.matchAll(/\\multicolumn\{(\d+)\}/g)].reduce((sum, [, columns]) => sum + Number(columns) - 1, 0);
      expect(line.split(/(?<!\\)&/).length + spanned, line).toBe(3);
    }
    expect(text.split('{').length).toBe(text.split('}').length);
  });
});
