// A result that was changed and sealed anew, through every report: what a stranger's file says is shown, or refused, and never breaks one.
import { readFileSync } from 'node:fs';
import { messageOf, UserError } from '../../src/base/errors.js';
import type { Random } from '../../src/base/random.js';
import { compareAll } from '../../src/compare/gate.js';
import { compareReports } from '../../src/compare/reports/index.js';
import { reports } from '../../src/report/formats/index.js';
import { rankingReports } from '../../src/report/ranking/ranking.js';
import { parseFailOn } from '../../src/result/budget.js';
import { sealed } from '../../src/result/digest.js';
import { parseResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';

const VALUES: readonly unknown[] = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e-300,
  1e308,
  -1e308,
  2 ** 53,
  null,
  true,
  '',
  '\ud800',
  '\u202e<script>',
  '=1+1',
  'x'.repeat(5000),
  [],
  [1e308, 1e308],
  {},
  { value: 1e308 },
];

/** Renders a result file in every format, alone, in a ranking and in a comparison. @throws UserError where it is refused */
export function reported(path: string, random: Random): void {
  const result = parseResult(JSON.stringify(sealed(changed(path, random))), path);
  const options = { color: random.below(2) === 0, width: 80, unicode: random.below(2) === 0, verbose: random.below(2) === 0 };
  const drawn = result.details === undefined ? reports.filter(({ needsDetails }) => needsDetails !== true) : reports;
  for (const format of drawn) format.render(result, options);
  const sample = sampleResult();
  for (const format of rankingReports) format.render([sample, result], options);
  const sides = [{ label: 'a', result: sample } as const, { label: 'b', result } as const];
  const [base, candidate] = random.below(2) === 0 ? sides : sides.toReversed();
  const gate = compareAll(base!, [candidate!], [parseFailOn('latency.tpot.* > +3%', 'fuzz')], {
    explain: true,
    allowDifferentInputs: true,
  });
  for (const format of compareReports) format.render(gate, options);
}

/** What the file holds, or the sample with a few values changed where the file is no JSON any more. */
function changed(path: string, random: Random): Result {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Result;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw new UserError(messageOf(error));
  }
  const result = structuredClone(sampleResult()) as unknown as Record<string, unknown>;
  for (let times = 1 + random.below(4); times > 0; times--) changeOne(result, random);
  return result as unknown as Result;
}

function changeOne(within: Record<string, unknown>, random: Random): void {
  const keys = Object.keys(within);
  if (keys.length === 0) return;
  const key = keys[random.below(keys.length)]!;
  const inner = within[key];
  if (typeof inner === 'object' && inner !== null && random.below(10) > 0) changeOne(inner as Record<string, unknown>, random);
  else if (random.below(8) === 0) delete within[key];
  else if (typeof inner === 'number' && random.below(2) === 0) within[key] = inner * [10, 0.1, 1e6, 1e-6][random.below(4)]!;
  else within[key] = structuredClone(VALUES[random.below(VALUES.length)]);
}
