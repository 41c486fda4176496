// docs/systems.md as the system files have it: one row a system, with what it is, what it follows and how it is composed.
import { readText } from '../../src/base/input-file.js';
import { findProfile, listProfiles } from '../../src/base/profiles.js';
import type { Admission, MissAction } from '../../src/system/actions.js';
import { isLossy, type MissCondition, type Range } from '../../src/system/miss-rules.js';
import { loadSystem, type SystemSpec } from '../../src/system/system.js';

/** What a system is: our own, a publication or program, one that lacks a part on purpose, or a limit to compare with. */
type Kind = 'ours' | 'published' | 'ablation' | 'reference';

/** A bundled system and what its file says of it. */
export interface Described {
  readonly name: string;
  readonly kind: Kind;
  /** Comment at the top of the file. */
  readonly summary: string;
  readonly spec: SystemSpec;
}

/** All bundled systems, by name. */
export function describedSystems(): Described[] {
  return listProfiles('systems').map((name) => {
    const spec = loadSystem(name).value;
    const summary = headOf(readText(findProfile('systems', name)));
    const ours = summary.startsWith('Ours:');
    const kind = ours ? 'ours' : summary.startsWith('Ablation of') ? 'ablation' : spec.cites === undefined ? 'reference' : 'published';
    return { name, kind, summary, spec };
  });
}

/** Comment lines at the top of a file, joined. */
function headOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^#\s*/, ''))
    .join(' ');
}

const KINDS: readonly (readonly [Kind, string])[] = [
  ['ours', 'Our own'],
  ['published', 'Published systems'],
  ['ablation', 'Ablations'],
  ['reference', 'Points of reference'],
];

/** The generated part of the page. */
export function pageOf(systems: readonly Described[]): string {
  return KINDS.map(([kind, title]) => {
    const members = systems.filter((system) => system.kind === kind);
    return [`## ${title}`, tableOf(members)].join('\n\n');
  }).join('\n\n');
}

const HEAD = ['system', 'what it is', 'follows', 'cache', 'prediction', 'scheduling', 'misses', 'besides'];

function tableOf(systems: readonly Described[]): string {
  const rows = systems.map(({ name, spec, summary }) => [
    `\`${name}\``,
    summary,
    linked(spec.cites ?? '–'),
    cacheOf(spec),
    predictionOf(spec),
    schedulingOf(spec),
    missesOf(spec),
    besides(spec),
  ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Papers and repositories as links. */
function linked(cites: string): string {
  return cites
    .replace(/arXiv (\d{4}\.\d{5})/g, '[arXiv $1](https://arxiv.org/abs/$1)')
    .replace(/github\.com\/[\w.-]+\/[\w.-]*\w/g, '[$&](https://$&)');
}

function code(kind: string, parameters: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(parameters).map(([key, value]) => `${key}=${typeof value === 'boolean' ? (value ? 'on' : 'off') : value}`);
  return `\`${[kind, given.join(',')].filter((part) => part !== '').join(':')}\``;
}

function cacheOf({ cache: { capacity, copies, exclusive, policy, quotas, scope } }: SystemSpec): string {
  const split = typeof quotas === 'string' && quotas !== 'even' ? `, ${quotas} quotas` : '';
  const size = capacity === undefined ? '' : `, ${capacity.text} of the experts`;
  return `\`${policy.text}\`${scope === 'layer' ? `, one per layer${split}` : ''}${size}${exclusive ? ', exclusive of DRAM' : ''}${copiesOf(copies)}`;
}

function copiesOf(copies: SystemSpec['cache']['copies']): string {
  if (copies === undefined) return '';
  const { additive, policy, share } = copies;
  return `; ${Math.round(100 * share)} % of it for ${additive ? 'slices' : 'copies'}, \`${policy.text}\``;
}

function predictionOf({ predictor, prefetch }: SystemSpec): string {
  const { correction, horizon, kind, parameters } = predictor;
  if (kind.name === 'none') return '–';
  const far =
    horizon === 'all' ? 'all layers' : horizon === 'auto' ? 'as far as the link needs' : horizon === 1 ? '1 layer' : `${horizon} layers`;
  const most = prefetch.perLayer === undefined ? '' : `, at most ${prefetch.perLayer} a layer`;
  const bold =
    prefetch.minProbability >= 1 ? 'nothing prefetched' : `prefetched from ${Math.round(100 * prefetch.minProbability)} %${most}`;
  const { source: _source, ...shown } = parameters;
  return `${code(kind.text, shown)}, ${far} ahead${correction ? ', corrected' : ''}; ${bold}${wayOf(prefetch)}`;
}

/** How prefetches come, where that is not into the cache, whole and whatever it costs. */
function wayOf({ budget, cancel, chunk, staging }: SystemSpec['prefetch']): string {
  const buffers =
    staging === undefined ? '' : `, into ${staging.unit === 'experts' ? `${staging.count} buffers` : `buffers of ${staging.text}`}`;
  return `${buffers}${chunk === undefined ? '' : ', in chunks'}${cancel ? '' : ', carried through'}${budget === 'pays' ? ', while that pays' : ''}`;
}

function schedulingOf({ scheduler: { kind, parameters } }: SystemSpec): string {
  return code(kind.text, parameters);
}

const MISSES: Readonly<Record<MissAction, string>> = {
  load: 'loaded',
  cpu: 'computed on the CPU',
  cheaper: 'CPU or load, whichever ends sooner',
  balance: 'CPU and GPU share them, hits included, to end together',
  static: 'streamed, nothing moves in',
  substitute: 'a resident expert stands in',
  skip: 'skipped',
  'low-precision': 'a low-precision copy is streamed',
};

function missesOf({ cache, onMiss }: SystemSpec): string {
  const served = (action: MissAction): string =>
    action === 'low-precision' && cache.copies !== undefined ? 'a low-precision copy serves, and stays' : MISSES[action];
  return onMiss.rules
    .map(({ admit, after, defer, do: action, inPlace, when }) => {
      const late = defer === 0 ? '' : `, the last ${defer} choices of a token one layer late`;
      return `${whenOf(when)}${inPlace === true ? 'read in place, nothing moves in' : served(action)}${late}${ADMITTED[admit](after)}`;
    })
    .join('; ');
}

const ADMITTED: Readonly<Record<Admission, (after: number) => string>> = {
  policy: () => '',
  never: () => '',
  always: () => ', whatever the policy wants',
  background: (after) => `, promoted in the background${after === 1 ? '' : ` after ${after} misses`}`,
};

function whenOf(when: MissCondition | null): string {
  if (when === null) return '';
  const { gate, misses, pass, phase, tokens } = when;
  const said = [
    ...(phase === null ? [] : [phase === 'prefill' ? 'passes with a prompt' : 'passes that only decode']),
    ...(pass === null ? [] : [`${rangeOf(pass)} tokens a pass`]),
    ...(tokens === null ? [] : [`${rangeOf(tokens)} tokens an expert`]),
    ...(misses === undefined ? [] : [`${rangeOf(misses)} misses`]),
    ...(gate === null ? [] : [`better ranked ${rangeOf(gate.share)} by ${gate.by}`]),
  ];
  return `${said.join(', ')}: `;
}

function rangeOf({ above, below, max, min }: Range): string {
  const parts = [
    ...(Number.isFinite(min) ? [`from ${min}`] : []),
    ...(Number.isFinite(above) ? [`above ${above}`] : []),
    ...(Number.isFinite(max) ? [`to ${max}`] : []),
    ...(Number.isFinite(below) ? [`below ${below}`] : []),
  ];
  return parts.join(' ');
}

function draftsOf({ acceptance, draft, drafter }: NonNullable<SystemSpec['speculation']>): string {
  return `drafts ${draft} tokens, ${acceptance?.text} right, by ${drafter?.text ?? 'a head'}`;
}

function besides({ dram, onMiss, overlap, parallelism, placement, rerank, speculation }: SystemSpec): string {
  const said: string[] = [];
  if (speculation !== undefined) said.push(draftsOf(speculation));
  if (isLossy(onMiss)) said.push('lossy');
  if (rerank !== undefined) said.push(`lossy: routing re-ranked, lambda ${rerank.lambda}, ${rerank.keep} kept`);
  if (dram.policy.text !== 'lru') said.push(`\`${dram.policy.text}\` in DRAM, where there is an SSD`);
  if (placement !== undefined) said.push(`several GPUs, placed ${code(placement.kind.text, placement.parameters)}`);
  if (overlap !== undefined) said.push(`overlap ${overlap}`);
  if (parallelism !== undefined) said.push(`parallelism ${parallelism}`);
  return said.length === 0 ? '–' : said.join('; ');
}
