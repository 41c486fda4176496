// How well two timings fix a machine: leave-one-out over the open rows. Of each machine with three scored rows or more, every row is predicted
// with the constants that two others of its machine give: those most like it in engine, model and format, with most and fewest experts on the
// GPU. One step of the fit, the prediction by the engine itself. The global constants have seen all these rows (docs/accuracy.md has the
// errors of machines that they have not).
//   npm run build && node bench/calibrate.mjs [machine...] [--short: one of three rows]
import { availableParallelism } from 'node:os';
import { ARGUMENTS, fromBuild, SHORT } from './lib/bench.mjs';

const { listProfiles } = await fromBuild('base/profiles.js');
const { loadRuntime } = await fromBuild('hardware/runtime.js');
const { anchorsOf, fitKnobs } = await fromBuild('measured/machine/calibration.js');
const { KNOBS, turnedBy } = await fromBuild('hardware/knobs.js');
const { sensitivityOf } = await fromBuild('measured/validate/fit.js');
const { predictRowVariants } = await fromBuild('measured/validate/predict-all.js');
const { readMeasurements } = await fromBuild('measured/validate/rows/measurement.js');
const { figuresOf, runtimeOf } = await fromBuild('measured/validate/rows/specify.js');

const NUDGE = 0.1;
const threads = availableParallelism();
const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
const turned = (steps) => new Map([...runtimes].map(([name, runtime]) => [name, turnedBy(runtime, steps)]));
const speeds = (row) => figuresOf(row).filter(({ metric, unscored }) => unscored === null && metric !== 'hit_rate');
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const percent = (value) => `${(100 * value).toFixed(1)} %`.padStart(8);

const all = readMeasurements(new URL('../profiles/measurements/open.jsonl', import.meta.url).pathname).filter(
  (row) => speeds(row).length > 0,
);
const machines = new Map();
for (const row of all) machines.set(row.machine.name, [...(machines.get(row.machine.name) ?? []), row]);

/** Residual and slopes of each speed of rows, by id and metric. */
async function sensitivities(rows) {
  const none = KNOBS.map(() => 0);
  const variants = [none, ...KNOBS.map((_, k) => none.map((_, i) => (i === k ? NUDGE : 0)))].map(turned);
  const predictions = await predictRowVariants(rows, variants, threads, {});
  return new Map(
    rows.map((row, i) => [
      row.id,
      speeds(row).flatMap(({ measured, metric }) => {
        const [here, ...others] = predictions[i].map(({ figures }) => figures[metric]);
        if (!(here > 0)) return [];
        return [{ metric, ...sensitivityOf(measured, here, others, NUDGE) }];
      }),
    ]),
  );
}

/** Others of the machine that are most like a row. */
function likest(row, others) {
  const like = (other) =>
    8 * (other.engine === row.engine) + 4 * (other.model.name === row.model.name) + 2 * (other.model.quant === row.model.quant);
  const sorted = [...others].sort((a, b) => like(b) - like(a));
  const best = sorted.filter((other) => like(other) === like(sorted[0]));
  return best.length >= 2 ? anchorsOf(best).anchors : sorted.slice(0, 2);
}

const wanted = ARGUMENTS;
const enough = [...machines].filter(([name, rows]) => rows.length >= 3 && (wanted.length === 0 || wanted.includes(name)));
const chosen = SHORT ? enough.sort(([, a], [, b]) => a.length - b.length).slice(0, 1) : enough;
const found = [];
console.log(`${'machine'.padEnd(36)} rows  speeds  without  two rows`);
for (const [name, rows] of chosen) {
  const known = await sensitivities(rows);
  const errors = [];
  for (const row of rows) {
    const anchors = likest(
      row,
      rows.filter((other) => other !== row),
    ).filter((other) => runtimeOf(other) !== undefined);
    const steps = fitKnobs(
      anchors.flatMap(({ id }) => known.get(id)),
      KNOBS.map(() => 0),
    );
    const [[prediction]] = await predictRowVariants([row], [turned(steps)], 1, {});
    for (const { measured, metric } of speeds(row)) {
      const before = known.get(row.id).find((one) => one.metric === metric);
      if (before === undefined) continue;
      errors.push({ metric, before: Math.abs(Math.exp(before.residual) - 1), after: Math.abs(prediction.figures[metric] / measured - 1) });
    }
  }
  found.push({ name, errors });
  const [before, after] = [median(errors.map((one) => one.before)), median(errors.map((one) => one.after))];
  console.log(
    `${name.padEnd(36)} ${String(rows.length).padStart(4)}  ${String(errors.length).padStart(6)} ${percent(before)}  ${percent(after)}`,
  );
}
const every = found.flatMap(({ errors }) => errors);
for (const metric of ['decode', 'prefill']) {
  const own = every.filter((one) => one.metric === metric);
  if (own.length > 0)
    console.log(`${metric.padEnd(49)} ${percent(median(own.map((one) => one.before)))}  ${percent(median(own.map((one) => one.after)))}`);
}
console.log(
  `${'all speeds'.padEnd(49)} ${percent(median(every.map((one) => one.before)))}  ${percent(median(every.map((one) => one.after)))}`,
);
console.log(
  `${'median of machines'.padEnd(49)} ${percent(median(found.map(({ errors }) => median(errors.map((one) => one.before)))))}  ${percent(median(found.map(({ errors }) => median(errors.map((one) => one.after)))))}`,
);
