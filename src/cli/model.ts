import type { Command } from 'commander';
import { listProfiles } from '../base/profiles.js';
import { formatBytes, formatCount, formatCounted, formatParameters, parseCount } from '../base/units.js';
import { axisOf, barsOf, drawnFormats } from '../figure/door.js';
import { type Fit, type FormatShare, inspectModel, type ModelInspection, openModel } from '../model/door.js';
import type { Column, Datum, Document, Grid, Line } from '../report/door.js';
import { figure, formatRelative, gridOf, ratio } from '../report/door.js';
import { loadHardware } from '../runtime/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { deliver } from './kit/outputs.js';

/** Width of a list of layers, columns. */
const LAYERS_WIDTH = 28;

/** Width of a list of formats, columns. */
const FORMATS_WIDTH = 30;

/** Formats of an inspection. */
export const modelReports = drawnFormats<ModelInspection>('moeprof model inspect', documentOf, ({ fits }) =>
  barsOf(
    'machine',
    axisOf('experts that its memory holds', '%'),
    [''],
    fits.map(({ machine, share }) => ({ x: machine, y: 100 * share, series: '' })),
  ),
);

const INSPECT = options({
  '<model>': 'a bundled name, a file, a folder or hf:owner/repo',
  '--quantization <format>': 'price the model in this storage format, e.g. q4_k_m',
  '--context <tokens>': ['tokens of KV cache that must fit beside the weights', { default: '4096' }],
  '-w, --hardware <machine>...': 'only this machine: a bundled name or a YAML file, repeatable',
  ...output(modelReports),
  ...PICTURES,
});

/** Help. */
export const help = `A model is a bundled name, a YAML profile, a Hugging Face config.json, a folder
with one (sizes are then those of its safetensors files, where they are there),
a GGUF file, or hf:owner/repo[:format] on the Hugging Face hub, of which headers
are fetched. moeprof profiles show gpt-oss-20b prints a profile.

Examples:
  moeprof model inspect mixtral-8x7b
  moeprof model inspect ~/models/Qwen3-30B-A3B --quantization q4_k_m
  moeprof model inspect model-q4_k_m.gguf -w rtx-3090 -w my-machine.yaml
  moeprof model inspect hf:unsloth/gpt-oss-120b-GGUF:q4_k_m
  moeprof model inspect deepseek-v3 --context 32k --json`;

/** `moeprof model inspect`. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'inspect', INSPECT, {
    first: ['-w', '--quantization', '--context', '-o'],
    summary: 'parameters, bytes, experts by layer, and what fits on which machine',
  }).action(async (name: string, options: OptionsOf<typeof INSPECT>) => {
    const tokens = parseCount(options.context, '--context');
    await deliver(context, modelReports, options, () => {
      const machines = options.hardware.length > 0 ? options.hardware : listProfiles('hardware');
      return inspectModel(
        openModel(name, options.quantization ?? null),
        machines.map((machine) => loadHardware(machine)),
        tokens,
      );
    });
  });
}

function documentOf(inspection: ModelInspection): Document {
  const { fits, name, quantization, sizes } = inspection;
  const whole = fits.filter(({ verdict }) => verdict === 'resident').length;
  return {
    title: `${name}, ${sizes === 'tensors' ? `sizes of its ${quantization} tensors` : quantization}`,
    answer: `${name} in ${quantization} fits whole into ${whole} of ${formatCounted(fits.length, 'machine')}`,
    lead: facts(inspection),
    blocks: [budgetGrid(inspection), expertGrid(inspection), fitGrid(fits, inspection.context)],
  };
}

function facts({ layers, note, parameters, tokenCycleBytes, kvBytesPerToken, wholeModels }: ModelInspection): Line[] {
  const { published } = parameters;
  const against = (counted: number, stated: number, what = ''): string =>
    `${formatParameters(stated)}${what} (${formatRelative(counted / stated - 1)} here)`;
  const parts =
    layers.moe === layers.total ? `${layers.total} layers, all with experts` : `${layers.moe} of ${layers.total} layers have experts`;
  const moe = wholeModels === undefined ? parts : `${formatCount(wholeModels)} whole models of ${layers.total} layers`;
  const tables = [' without the head', '', ' with the embedding'][published?.tables ?? 1];
  const active = published?.active === undefined ? '' : `, active ${against(published.alike, published.active, tables)}`;
  return [
    { tone: 'plain', text: `${moe}; ${formatParameters(parameters.total)} parameters, ${formatParameters(parameters.active)} active` },
    { text: `One token touches ${formatBytes(tokenCycleBytes)} of experts and adds ${formatBytes(kvBytesPerToken)} of KV cache` },
    ...(published === null ? [] : [{ text: `Published: ${against(parameters.total, published.total)}${active}; ${published.source}` }]),
    ...(note === undefined ? [] : [{ tone: 'warning', text: note } as const]),
  ];
}

function budgetGrid({ parts, parameters, bytes }: ModelInspection): Grid {
  const millions = (value: number): Datum => ({ value, text: formatParameters(value) });
  const stored: Column = { head: 'stored in', align: 'left', wrap: FORMATS_WIDTH };
  return gridOf(
    ['parameters', 'all', 'active', 'bytes', 'share', stored],
    [
      ...parts.map((row) => [
        row.part,
        millions(row.parameters),
        millions(row.active),
        figure(row.bytes, 'bytes'),
        ratio(row.bytes / bytes),
        formatsText(row.formats),
      ]),
      ['total', millions(parameters.total), millions(parameters.active), figure(bytes, 'bytes'), null, null],
    ],
  );
}

/** `q4_k 83 %, q6_k 17 %`, without norms and biases. */
function formatsText(formats: readonly FormatShare[]): string {
  const all = formats.reduce((sum, { weights }) => sum + weights, 0);
  const shares = formats
    .map(({ format, weights }) => [format, Math.round((100 * weights) / all)] as const)
    .filter(([, share]) => share > 0);
  return shares.map(([format, share]) => (shares.length === 1 ? format : `${format} ${share} %`)).join(', ');
}

function expertGrid({ experts, expertBytes }: ModelInspection): Grid {
  const rows = experts.map((group) => [
    figure(group.expertBytes, 'bytes'),
    figure(group.experts, 'count'),
    figure(group.topK, 'count'),
    figure(group.experts * group.expertBytes, 'bytes'),
    figure(group.count, 'count'),
    group.layers.map(rangeText).join(', '),
  ]);
  const count = experts.reduce((sum, group) => sum + group.count, 0);
  const all = [{ value: null, text: 'all experts' }, null, null, figure(expertBytes, 'bytes'), figure(count, 'count'), null];
  const which: Column = { head: 'which', align: 'left', wrap: LAYERS_WIDTH };
  return gridOf(['one expert', 'experts', 'top-k', 'per layer', 'layers', which], experts.length > 1 ? [...rows, all] : rows);
}

/** `0-47`, `1-47 by 2`, `5`. */
const rangeText = ([first, last, step]: readonly [number, number, number]): string =>
  first === last ? String(first) : step === 1 ? `${first}-${last}` : `${first}-${last} by ${step}`;

const VERDICTS: Readonly<Record<Fit['verdict'], (fit: Fit) => string>> = {
  resident: () => 'all resident',
  cached: ({ rest }) => `cached from ${rest}`,
  'below-token-cycle': () => 'less than one token',
  'dense-too-large': () => 'dense part too large',
  'experts-too-large': () => 'experts too large',
};

function fitGrid(fits: readonly Fit[], context: number): Grid {
  const verdict: Column = { head: `at ${formatCount(context)} tokens`, name: 'verdict', align: 'left' };
  const rows = fits.map((fit) => [
    fit.machine,
    figure(fit.memoryBytes, 'bytes'),
    figure(fit.cacheBytes, 'bytes'),
    ratio(fit.share),
    figure(fit.perLayer, 'count'),
    VERDICTS[fit.verdict](fit),
  ]);
  return gridOf(['machine', 'memory', 'for experts', 'share', 'per layer', verdict], rows);
}
