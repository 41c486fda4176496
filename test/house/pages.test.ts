// What pages list is what the registries hold, and what they show, in YAML and in commands, can be read and exists.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOMS } from '../../scripts/rooms.mjs';
import { resolveParameters } from '../../src/base/parameters.js';
import { POLICIES } from '../../src/cache/policies/index.js';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';
import { compareReports } from '../../src/compare/reports/index.js';
import { buildHardware } from '../../src/hardware/load.js';
import { machineFileSchema, machineOfFile } from '../../src/hardware/machine-file.js';
import { HardwareProfileSchema, isCalibrated } from '../../src/hardware/profile.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { FLOWS, NUMA } from '../../src/hardware/spec.js';
import { FAMILIES } from '../../src/model/families/index.js';
import { ModelProfileSchema } from '../../src/model/profile.js';
import { CHECKPOINTS } from '../../src/model/quantization/checkpoints.js';
import { KERNEL_FORMATS } from '../../src/model/quantization/formats/index.js';
import { QUANTIZATIONS } from '../../src/model/quantization/index.js';
import { LLAMA } from '../../src/model/quantization/llama.js';
import { HISTORY_DECAY, HISTORY_SLOW_DECAY, INPUT_NAMES, OUTPUT_NAME, tensorOf } from '../../src/predict/onnx/contract.js';
import { onnx } from '../../src/predict/onnx/predictor/onnx.js';
import { SEQUENCE_INPUTS, SEQUENCE_OUTPUTS, sequenceTensorOf } from '../../src/predict/onnx/sequence/contract.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { reports } from '../../src/report/formats/index.js';
import { budgetFileSchema, budgetsOf, parseFailOn } from '../../src/result/budget.js';
import { METRICS } from '../../src/result/catalogue.js';
import { ADVISED } from '../../src/runtime/index.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { auditChecks } from '../../src/trace/audit/index.js';
import { traceFormats } from '../../src/trace/formats/index.js';
import { VARIANTS } from '../../src/trace/variants/index.js';
import { blocksOf, docsPage, repositoryFile, rowNames, sectionOf } from '../support/pages.js';
import { parseYaml } from '../support/yaml.js';
import { table } from '../trace/variants/page.js';

const names = (registry: readonly { readonly name: string }[]): string[] => registry.map(({ name }) => name);
const ci = docsPage('ci.md');
const machines = docsPage('machines.md');
const models = docsPage('models.md');
const routing = docsPage('routing.md');
const workloads = docsPage('workloads.md');
const readme = repositoryFile('README.md');
const formats = sectionOf(docsPage('trace-formats.md'), '## All formats');

describe('rows of a table are, in order,', () => {
  it.each([
    ['checks of a trace: docs/record.md', sectionOf(docsPage('record.md'), '## Can it be trusted?'), auditChecks.map(({ code }) => code)],
    ['formats of traces: docs/trace-formats.md', formats, names(traceFormats)],
    ['rooms: docs/architecture.md', docsPage('architecture.md'), names(ROOMS)],
  ])('%s', (_, text, expected) => expect(rowNames(text)).toEqual(expected));
});

const kernelFormats = KERNEL_FORMATS.map(({ name, plain, bits, weights, bytes, rowBytes }) => {
  const block = weights === 1 ? '' : ` (${weights}, ${bytes}${rowBytes > 0 ? `, ${rowBytes} a row` : ''})`;
  return plain === name ? `\`${name}\` ${Math.round(bits * 1e4) / 1e4}${block}` : `\`${name}\``;
});
const quoted = (registry: readonly string[]): string[] => registry.map((name) => `\`${name}\``);
const described = (registry: readonly string[]): RegExp[] => registry.map((name) => new RegExp(`^\\| \`${name}\`.* \\| .+ \\|$`, 'm'));

describe('a page has', () => {
  it.each<[string, string, readonly (string | RegExp)[]]>([
    ['the number of policies: README', readme, [`${POLICIES.length} policies are built in`]],
    ['the number of schedulers: README', readme, [`up to ${SCHEDULERS.length} [schedulers]`]],
    ['every format of traces: README', sectionOf(readme, '## What it reads'), quoted(names(traceFormats))],
    ['every room: CONTRIBUTING', repositoryFile('CONTRIBUTING.md'), [` ${names(ROOMS).join(', ')}.`]],
    ['every predictor: docs/predictors.md', docsPage('predictors.md'), names(PREDICTORS).map((name) => `| \`${name}\` | `)],
    [
      'every runtime that advice is given for',
      docsPage('advise.md'),
      ADVISED.map(({ name }) => new RegExp(`^\\| (?:[^|\`]+, )?${name}(?:, [^|\`]+)? \\| .+ \\|$`, 'm')),
    ],
    ['every format of comparisons: docs/ci.md', ci, quoted(names(compareReports))],
    ['every way that links and sockets share: docs/machines.md', machines, described([...FLOWS, ...NUMA])],
    ['every quantization: docs/models.md', models, quoted(names(QUANTIZATIONS))],
    ['what a storage format says of itself', models, [...CHECKPOINTS, ...LLAMA].map(({ name, summary }) => `| \`${name}\` | ${summary} |`)],
    ['every kernel format with its bits and its block', models, kernelFormats],
    ['every family of models', models, quoted(FAMILIES.flatMap(({ types }) => types))],
    [
      'every variant, in a row',
      table('variant')
        .map(([spec]) => spec)
        .join('\n'),
      names(VARIANTS).map((name) => new RegExp(`^\`${name}[=:\`]`, 'm')),
    ],
    ['the papers of every variant', routing, VARIANTS.flatMap(({ cites }) => cites.match(/\d{4}\.\d{5}/g) ?? [])],
    ['every scheduler, in words', workloads, names(SCHEDULERS).map((name) => `**${name}**`)],
    ['every scheduler, in a row', workloads, names(SCHEDULERS).map((name) => new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| [^|]+ \\|$`, 'm'))],
  ])('%s', (_, text, pieces) => {
    expect(pieces.length).toBeGreaterThan(0);
    expect(pieces.filter((piece) => (typeof piece === 'string' ? !text.includes(piece) : !piece.test(text)))).toEqual([]);
  });
});

it.each([...formats.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)].map(([, name, cells]) => [name!, cells!]))(
  'the trace format %s is described in three cells',
  (_, cells) => {
    expect(cells.split(/(?<!\\)\|/).map((cell) => cell.trim().length > 1)).toEqual([true, true, true]);
  },
);

/** Rows of the table of bounds of docs/workloads.md: names, passed over, overtaken. */
const bounds = [...workloads.matchAll(/^\| (`[^|]+`) \| ([^|]*\d[^|]*) \| ([^|]+) \|$/gm)].map(([, schedulers, passedOver, overtaken]) => ({
  schedulers: [...schedulers!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  cells: [passedOver!, overtaken!],
}));

it.each(SCHEDULERS.map((definition) => [definition.name, definition] as const))(
  'the scheduler %s keeps the bounds of its row',
  (name, one) => {
    const { cells, schedulers } = bounds.find((row) => row.schedulers.includes(name))!;
    const { overtaken, passedOver } = one.fairness({ batch: 8, maxTokensPerPass: 512 }, resolveParameters(name, one.parameters, {}));
    const numbers = cells.map((cell) => [...cell.replace(/2 x `batches` - 1/, '').matchAll(/\d+/g)].map(Number));
    // A row of several schedulers gives the default of each, in the order of their names, or one value for all.
    expect(numbers.map((row) => row[Math.min(schedulers.indexOf(name), row.length - 1)])).toEqual([passedOver, overtaken]);
  },
);

/** Options of commands that were asked for before, by name. */
const known = new Map<string, Promise<Set<string>>>();

/** Long options of a command and of the commands below it. */
function optionsOf(name: string): Promise<Set<string>> {
  const options = known.get(name) ?? loadedOptions(name);
  known.set(name, options);
  return options;
}

async function loadedOptions(name: string): Promise<Set<string>> {
  const command = new Command(name);
  (await commands.find((entry) => entry.name === name)!.load()).define(command, {} as CliContext);
  const all = [command, ...command.commands];
  return new Set([...all.flatMap(({ options }) => options.map(({ long }) => long!)), '--json', '--quiet', '--verbose', '--help']);
}

describe.each(['ci.md', 'plan.md', 'record.md', 'routing.md', 'studies.md', 'systems.md', 'tutorial.md', 'workloads.md'])(
  'docs/%s',
  (page) => {
    it('shows YAML that can be read', () => {
      const found = blocksOf(docsPage(page));
      // These two show commands alone.
      expect(found.length).toBeGreaterThanOrEqual(['record.md', 'systems.md'].includes(page) ? 0 : 1);
      for (const block of found) expect(() => parse(block), block).not.toThrow();
    });

    it('shows commands and flags that exist', { timeout: 180_000 }, async () => {
      const lines =
        docsPage(page)
          .replaceAll('\\\n', ' ')
          .match(/\bmoeprof(@[\d.]+)? [a-z]+\b[^\n`#]*/g) ?? [];
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) {
        const [, command] = /^moeprof(?:@[\d.]+)? ([a-z]+)/.exec(line)!;
        if (!commands.some((entry) => entry.name === command)) {
          // Prose: "moeprof does"; a flag behind it would be a command that nobody has.
          expect(line).not.toMatch(/ --?[a-z]/);
          continue;
        }
        const options = await optionsOf(command!);
        for (const [flag] of line.replace(/'[^']*'/g, '').matchAll(/(?<= )--[a-z][a-z-]*/g)) expect(options, line).toContain(flag);
      }
    });
  },
);

describe('docs/ci.md', () => {
  it('shows a budget file and conditions that mean something', () => {
    const file = parseYaml(blocksOf(ci).find((block) => block.startsWith('budgets:'))!, 'docs', budgetFileSchema);
    expect(budgetsOf(file.budgets, () => 'docs').length).toBeGreaterThan(4);
    const conditions = [...ci.matchAll(/^\| `([^`]*[<>][^`]*)` \|/gm)].map((match) => match[1]!);
    expect(conditions.length).toBeGreaterThan(4);
    for (const condition of conditions) expect(() => parseFailOn(condition)).not.toThrow();
  });

  it.each<[string, RegExp, number, readonly string[]]>([
    ['metrics', /`((?:latency|cache|transfer|throughput|experts|wall)\.[a-z0-9_.]+)`/g, 1, [...METRICS.keys()]],
    ['formats', /-o ([a-z-]+)=/g, 5, names([...compareReports, ...reports])],
  ])('has only %s that exist', (_, pattern, least, existing) => {
    const given = [...ci.matchAll(pattern)].map(([, name]) => name!);
    expect(given.length).toBeGreaterThanOrEqual(least);
    expect(given.filter((name) => !existing.includes(name))).toEqual([]);
  });
});

describe('docs/machines.md', () => {
  const files = blocksOf(machines).map((block) => parse(block) as object);
  const parts = files.filter((file) => Object.hasOwn(file, 'parts'));
  const calibrated = files.filter((file) => Object.hasOwn(file, 'tiers'));
  const pieces = files.filter((file) => !parts.includes(file) && !calibrated.includes(file));

  it('shows a machine of parts', () => {
    const built = parts.map((file) => machineOfFile(machineFileSchema.parse(file), 'docs'));
    expect(built.map(({ gpus }) => gpus[0]!.name)).toContain('rtx-3090');
    expect(built.find(({ name }) => name === 'my-box')).toMatchObject({ cpu: { cores: 8 }, ram: { measuredBandwidth: 61e9 } });
  });

  it('shows parts of machines that are one together', () => {
    const tiers = ['gpu 24GiB', 'dram 64GiB', 'ssd 1TB'].map((tier) => tier.split(' ')).map(([name, size]) => ({ name, size }));
    const machine = { name: 'x', tiers, gpu: { peak: 1e12, memoryBandwidth: 1e12 } };
    const profile = HardwareProfileSchema.parse(Object.assign(machine, ...pieces));
    const { cpu, links } = buildHardware(profile, loadRuntime('ideal'));
    expect(links[1]).toMatchObject({ name: 'ssd', bandwidth: 14e9, flows: 'split', lanes: 1 });
    expect(cpu!.sockets).toMatchObject({ count: 2, numa: 'tensor' });
  });

  it('shows a calibrated machine', () => expect(isCalibrated(HardwareProfileSchema.parse(calibrated[0]))).toBe(true));
});

it('docs/workloads.md shows faults that a profile may have', () => {
  const profile = blocksOf(workloads)
    .map((block) => parse(block) as object)
    .find((file) => Object.hasOwn(file, 'faults')) as RunInput;
  expect(checkRun(profile, 'workloads.md').faults).toEqual([
    { at: 6e9, until: 9e9, link: 'h2d', bandwidth: 0.25 },
    { at: 12e9, gpuMemory: 8 * 2 ** 30 },
  ]);
});

it('docs/models.md shows a profile that is well-formed', () => {
  expect(parseYaml(blocksOf(models)[0]!, 'docs/models.md', ModelProfileSchema)).toMatchObject({ name: 'my-model', layers: 48 });
});

it('docs/routing.md shows profiles that can be read', () => {
  const [whole, modules] = blocksOf(routing).map((block) => parse(block) as { moe: object });
  for (const more of [{}, modules]) expect(() => ModelProfileSchema.parse({ ...whole, moe: { ...whole!.moe, ...more } })).not.toThrow();
});

describe('docs/extend.md: a trained predictor', () => {
  const page = sectionOf(docsPage('extend.md'), '\n## A trained predictor');
  const [tokens, sequences] = page.split('### Models that read sequences') as [string, string];

  it.each([
    ['inputs and the output', tokens, ([...INPUT_NAMES, OUTPUT_NAME] as const).map((name) => ({ name, ...tensorOf(name, 8) }))],
    [
      'inputs and outputs of sequences',
      sequences,
      [...SEQUENCE_INPUTS, ...SEQUENCE_OUTPUTS].map((name) => ({ name, ...sequenceTensorOf(name, 8, 'n') })),
    ],
  ] as const)('lists all %s with type and shape', (_, text, tensors) => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\w+) (\[.*?\]) \|/gm)].map(([, ...cells]) => cells);
    const shapeOf = (shape: readonly unknown[]): string => `[${shape.map((size) => (size === 8 ? 'L*E' : size)).join(', ')}]`;
    expect(rows).toEqual(tensors.map(({ name, shape, type }) => [name, type, shapeOf(shape)]));
  });

  it('gives the decays', () => {
    expect(HISTORY_DECAY).toBe(0.5);
    expect(page).toContain(`a decay of ${HISTORY_SLOW_DECAY}`);
  });

  it('shows a system that can be read', () => {
    const { predictor } = checkRun(parse(blocksOf(page)[0]!) as RunInput, 'docs').system;
    expect(predictor.kind.name).toBe('onnx');
    for (const name of Object.keys(predictor.parameters)) expect(Object.keys(onnx.parameters)).toContain(name);
  });
});
