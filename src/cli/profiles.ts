import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { basename } from '../base/host/paths.js';
import { readText } from '../base/input-file.js';
import { type Member, type Parameter, rangeText } from '../base/parameters.js';
import { findProfile, listProfiles, type ProfileFamily, tableRow } from '../base/profiles.js';
import { pasted } from '../base/shell.js';
import { didYouMean } from '../base/text.js';
import { formatBytes, formatCount, formatFlops, formatNumber, formatRate } from '../base/units.js';
import { POLICIES } from '../cache/policies/index.js';
import type { Catalogue, CataloguePart, CpuPart, GpuPart } from '../hardware/door.js';
import { CPUS, GPUS, memoryRate, memoryText, slotText } from '../hardware/door.js';
import { modelProfile, modelText } from '../model/door.js';
import { PREDICTORS } from '../predict/predictors/index.js';
import { clip, MAX_WIDTH, widthOf, wrap } from '../report/door.js';
import { SCHEDULERS } from '../schedule/door.js';
import { VARIANTS } from '../trace/variants/index.js';
import type { CliContext } from './kit/context.js';
import { options, subcommand } from './kit/declared.js';
import { formatFamily, quantizationFamily } from './storage-families.js';

interface Family {
  readonly name: string;
  names(): readonly string[];
  /** True if listed only on request. */
  readonly asked?: boolean;
  /** Finds a member by another spelling; absent: a single spelling. */
  find?(name: string): string | null;
  /** A few words; may be empty. */
  summary(name: string): string;
  /** @throws UserError if a member cannot be shown */
  show(name: string, width: number): string;
}

function files(name: string, family: ProfileFamily): Family {
  return {
    name,
    names: () => listProfiles(family),
    summary: (member) => (family === 'traces' ? basename(findProfile(family, member)) : summaryOf(findProfile(family, member))),
    show: (member) => {
      const path = findProfile(family, member);
      if (family === 'traces')
        throw new UserError(`${name}/${member}: is a trace, not text; look at it with moeprof trace inspect ${pasted(path)}`);
      return tableRow(path) === null ? readText(path) : modelText(path);
    },
  };
}

function summaryOf(path: string): string {
  const row = tableRow(path);
  if (row === null) return firstComment(readText(path));
  const { layers, moe, published } = modelProfile(path);
  const total = published === undefined ? '' : `${formatCount(Math.round(published.total / 1e9))}B, `;
  return `${total}${formatCount(layers)} layers, ${moe.topK} of ${formatCount(moe.experts)} experts`;
}

/** First sentence of a profile's top comment, without file name and address. */
function firstComment(text: string): string {
  const comment = /^#\s*(.*)/.exec(text)?.[1] ?? '';
  return comment
    .replace(/^profiles\/\S+:\s*/, '')
    .replace(/[:,]?\s*https?:\S+.*$/, '')
    .replace(/\.(\s.*)?$/, '');
}

function parts<P extends CataloguePart>(
  name: string,
  catalogue: Catalogue<P>,
  few: (part: P) => string,
  facts: (part: P) => Fact[],
): Family {
  return {
    name,
    asked: true,
    names: () => catalogue.parts.map((part) => part.name),
    find: (wanted) => catalogue.find(wanted)?.name ?? null,
    summary: (wanted) => few(catalogue.find(wanted)!),
    show: (wanted, width) => {
      const part = catalogue.find(wanted)!;
      const rows: Fact[] = [...facts(part), ['architecture', part.arch], ['made for', part.form]];
      const lines = rows.map(([label, value]) => `  ${label.padEnd(20)}${value}`);
      return `${name}/${part.name}\n\n${lines.join('\n')}\n\n${wrap(`Source: ${part.source}`, width, '', '  ')}\n`;
    },
  };
}

type Fact = [label: string, value: string];

const gibibytes = (bytes: number): string => `${formatNumber(bytes / 2 ** 30)} GiB`;

const gpuFacts = ({ chip, fp16Flops, link, memoryBandwidth, memoryBytes, pcie }: GpuPart): Fact[] => [
  ['memory', gibibytes(memoryBytes)],
  ['memory bandwidth', formatRate(memoryBandwidth)],
  ['FP16', `${formatFlops(fp16Flops)}/s, dense, accumulating in FP32`],
  ...(pcie === undefined ? [] : [['PCIe', slotText(pcie)] satisfies Fact]),
  ...(link === undefined ? [] : [['to its like', `${formatRate(link)} in one direction`] satisfies Fact]),
  ...(chip === undefined ? [] : [['on the chip of', `cpu/${chip}, whose memory it shares`] satisfies Fact]),
];

const cpuFacts = ({ clockHz, cores, fastCores, flopsPerCycle, isa, l3Bytes, memory, pcieGeneration, sockets }: CpuPart): Fact[] => [
  ['cores', fastCores === undefined ? formatCount(cores) : `${formatCount(cores)}, ${formatCount(fastCores)} of them fast`],
  ['base clock', `${formatNumber(clockHz / 1e9, 2)} GHz`],
  ['instructions', `${isa}, ${formatCount(flopsPerCycle)} operations a core and cycle`],
  ...(l3Bytes === undefined ? [] : [['L3', formatBytes(l3Bytes)] satisfies Fact]),
  ['memory', `${memoryText(memory)}, ${formatRate(memoryRate(memory))} a socket`],
  ...(pcieGeneration === undefined ? [] : [['PCIe', `generation ${pcieGeneration}`] satisfies Fact]),
  ['sockets', formatCount(sockets)],
];

function code(name: string, members: readonly Member[]): Family {
  const find = (wanted: string): Member => members.find((member) => member.name === wanted)!;
  return {
    name,
    names: () => members.map((member) => member.name),
    summary: (wanted) => find(wanted).summary,
    show: (wanted, width) => {
      const { summary, cites, parameters = {} } = find(wanted);
      const lines = Object.entries(parameters).map(([key, parameter]) => parameterText(key, parameter, width));
      const blocks = [
        [`${name}/${wanted}`, wrap(summary, width), ...(cites === '' ? [] : [wrap(`Source: ${cites}`, width, '', '  ')])].join('\n'),
        lines.length === 0 ? 'It has no parameters.' : `Parameters (${wanted}:name=value,name=value):\n${lines.join('\n')}`,
      ];
      return `${blocks.join('\n\n')}\n`;
    },
  };
}

function parameterText(name: string, parameter: Parameter, width: number): string {
  const value = typeof parameter.default === 'boolean' ? (parameter.default ? 'on' : 'off') : String(parameter.default);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, values } = parameter;
  const bounded = Number.isFinite(min) || Number.isFinite(max);
  const numbers = bounded ? rangeText(min, max) : '';
  const range = values !== undefined ? `one of ${values.join(', ')}` : typeof parameter.default === 'boolean' ? 'on or off' : numbers;
  const head = `  ${name}=${value}${range === '' ? '' : `  (${range})`}`;
  return `${head}\n${wrap(parameter.description, width, '      ')}`;
}

const families: readonly Family[] = [
  files('model', 'models'),
  files('hardware', 'hardware'),
  parts('gpu', GPUS, ({ memoryBandwidth, memoryBytes }) => `${gibibytes(memoryBytes)}, ${formatRate(memoryBandwidth)}`, gpuFacts),
  parts('cpu', CPUS, ({ cores, isa, memory }) => `${formatCount(cores)} cores, ${isa}, ${memoryText(memory)}`, cpuFacts),
  files('runtime', 'runtimes'),
  files('system', 'systems'),
  files('run', 'runs'),
  files('trace', 'traces'),
  files('reproduction', 'reproductions'),
  quantizationFamily,
  formatFamily,
  code('policy', POLICIES),
  code('predictor', PREDICTORS),
  code('scheduler', SCHEDULERS),
  code('variant', VARIANTS),
];

const LIST = options({
  '[family]': 'only this family',
});

const SHOW = options({
  '<family/name>': 'as list prints it; the family may be left out where one only has the name',
});

/** Help. */
export const help = `Examples:
  moeprof profiles list
  moeprof profiles list policy
  moeprof profiles list gpu
  moeprof profiles show hardware/rtx-4090
  moeprof profiles show gpu/rtx-3090
  moeprof profiles show model/qwen3-30b-a3b > my-model.yaml`;

/** `moeprof profiles`: `family/name`, one a line, so that names can be piped into `show`. */
export function define(command: Command, context: CliContext): void {
  command.addHelpText('afterAll', `\n${wrap(families.map(({ name }) => name).join(', '), MAX_WIDTH, 'Families: ')}`);
  subcommand(command, 'list', LIST, {
    summary: 'names, with a few words on each',
    description: 'Names, with a few words on each; parts of machines (gpu, cpu) only where they are asked for.',
  }).action((wanted: string | undefined) => {
    const shown = wanted === undefined ? families.filter(({ asked }) => asked !== true) : [familyNamed(wanted)];
    const rows = shown.flatMap((family) => family.names().map((name) => [`${family.name}/${name}`, family.summary(name)] as const));
    const longest = Math.max(0, ...rows.map(([name]) => name.length));
    const width = Math.max(40, context.terminal.width);
    context.out(
      rows
        .map(
          ([name, summary]) => `${`${name.padEnd(longest)}  ${clip(summary, width - longest - 2, context.terminal.unicode)}`.trimEnd()}\n`,
        )
        .join(''),
    );
  });
  subcommand(command, 'show', SHOW, {
    summary: 'a profile, or the parameters of a policy, predictor or scheduler',
    description: 'Print a profile as it is, or the parameters of a policy, predictor or scheduler.',
  }).action((wanted: string) => {
    const { family, name } = memberNamed(wanted);
    context.out(family.show(name, widthOf(context.reportOptions)));
  });
}

/** @throws UserError with the nearest family */
function familyNamed(wanted: string): Family {
  const found = families.find((family) => [family.name, `${family.name}s`, family.name.replace(/y$/, 'ies')].includes(wanted));
  if (found !== undefined) return found;
  const names = families.map((family) => family.name);
  throw new UserError(`unknown family "${wanted}": ${didYouMean(wanted, names)}`);
}

/** @throws UserError with the nearest names */
function memberNamed(wanted: string): { family: Family; name: string } {
  const slash = wanted.indexOf('/');
  const candidates = slash < 0 ? families : [familyNamed(wanted.slice(0, slash))];
  const name = wanted.slice(slash + 1);
  const all = candidates.flatMap((family) => {
    const member = family.find === undefined ? (family.names().find((known) => known === name) ?? null) : family.find(name);
    return member === null ? [] : [{ family, name: member }];
  });
  // A machine named after its card takes precedence over the card.
  const first = all.filter(({ family }) => family.asked !== true);
  const having = first.length > 0 ? first : all;
  if (having.length === 1) return having[0]!;
  if (having.length > 1)
    throw new UserError(
      `"${name}" is in several families; write ${having.map(({ family, name: member }) => `${family.name}/${member}`).join(' or ')}`,
    );
  throw new UserError(
    `there is no ${slash < 0 ? 'profile' : candidates[0]!.name} "${name}": ${didYouMean(
      name,
      candidates.flatMap((family) => family.names()),
    )}`,
  );
}
