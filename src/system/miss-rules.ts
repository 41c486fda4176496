import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { ownValue } from '../base/objects.js';
import { issueOf, onOff } from '../base/written.js';
import type { HardwareSpec } from '../hardware/door.js';
import { ACTIONS, ADMISSIONS, type Admission, MISS_ACTIONS, type MissAction } from './actions.js';

/** Range of numbers. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Exclusive bounds, from `>` and `<`. */
  readonly above: number;
  readonly below: number;
}

/** Condition of a rule; all fields must hold. */
export interface MissCondition {
  /** `prefill` if any token of the pass is a prompt token. */
  readonly phase: 'prefill' | 'decode' | null;
  /** Tokens that chose the expert, and tokens of the pass. */
  readonly tokens: Range | null;
  readonly pass: Range | null;
  /** Misses of the event, the current miss included. Absent: any. */
  readonly misses?: Range;
  readonly gate: GateShare | null;
  /** The cache policy streams the expert. Absent: any. */
  readonly bypassed?: true;
  readonly copy?: number;
}

/** Range of gate weight held by better-ranked experts, minimum over the expert's tokens. */
export interface GateShare {
  /** The trace's gate weights; the rank, as if weights were equal; or weights if known, else ranks. */
  readonly by: 'known' | 'rank' | 'weights';
  readonly share: Range;
}

/** A rule for misses. */
export interface MissRule {
  readonly do: MissAction;
  readonly admit: Admission;
  readonly after: number;
  /** `cpu`: most of a token's last choices with results a layer late. */
  readonly defer: number;
  /** `static`: kernels read the expert in place. Absent: copied first, then read from GPU memory. */
  readonly inPlace?: true;
  /** `cheaper`: compare rates without the handover to the CPU. Absent: compare times. */
  readonly byRate?: true;
  /** `low-precision`: bytes of a copy as a share of the expert's; 1 elsewhere. */
  readonly copyBytes: number;
  /** Numbers of the action's own, by name; absent: none. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** Null: always holds. */
  readonly when: MissCondition | null;
}

/** Rules for misses (L13): the first rule that holds decides. */
export interface MissRules {
  /** A word, or rules with defaults filled in. */
  readonly written: unknown;
  /** At least one; only the last always holds, except `substitute`, which may find no expert. */
  readonly rules: readonly MissRule[];
}

/** True if a number is in a range. */
export const inRange = ({ above, below, max, min }: Range, value: number): boolean =>
  value >= min && value <= max && value > above && value < below;

const EVERYTHING: Range = {
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  above: Number.NEGATIVE_INFINITY,
  below: Number.POSITIVE_INFINITY,
};

const BOUNDS = { '>=': 'min', '<=': 'max', '>': 'above', '<': 'below' } as const;

function parseRange(text: string): Range {
  const match = /^\s*(>=|<=|>|<|)\s*(\d+(?:\.\d+)?)\s*$/.exec(text);
  if (match === null) throw new UserError(`expected >=32, >32, <=8, <8, 8 or { min: 8, max: 32 }, got ${JSON.stringify(text)}`);
  const value = Number(match[2]);
  const sign = match[1] as keyof typeof BOUNDS | '';
  return sign === '' ? { ...EVERYTHING, min: value, max: value } : { ...EVERYTHING, [BOUNDS[sign]]: value };
}

const range = z.union([
  z.union([z.string(), z.number()]).transform((given, context) => issueOf(context, [], () => parseRange(String(given)))),
  z
    .strictObject({
      min: z.number().nonnegative().optional().describe('The smallest number.'),
      max: z.number().nonnegative().optional().describe('The largest number.'),
    })
    .transform(({ max = EVERYTHING.max, min = EVERYTHING.min }): Range => ({ ...EVERYTHING, min, max })),
]);

const when = z.strictObject({
  phase: z.enum(['prefill', 'decode']).optional().describe('Phase of the pass: prefill where it holds a prompt token.'),
  tokens: range.optional().describe("Tokens of the pass that chose the expert: '>=32', '<8', 1, or { min, max }."),
  pass: range.optional().describe("Tokens of the whole pass: '>=32', '<8', 1, or { min, max }."),
  misses: range.optional().describe("Experts that the pass misses at this layer: '>=2', 1, or { min, max }."),
  bypassed: onOff.optional().describe('The cache policy gives the expert no slot, as llama-moe-cache does with its share. Absent: any.'),
  gate: z
    .union([
      range.transform((share): GateShare => ({ by: 'known', share })),
      z.strictObject({
        by: z
          .enum(['known', 'rank', 'weights'])
          .default('known')
          .describe(
            "What the share is read from: the trace's gate weights; the rank " +
              'alone; or, known, weights where there are some, else the rank.',
          ),
        share: range.describe("Share of its token's gate weight that better-ranked experts have: '>0.6', or { min, max }."),
      }),
    ])
    .optional()
    .describe("Share of its token's gate weight that better-ranked experts have, the smallest over tokens: '>0.6', or { by, share }."),
});

/** Default bytes of a low-precision copy, as a share of the expert: 4 of 16 bits. */
const COPY_BYTES = 0.25;

function insteadOf(action: MissAction, admit: Admission): string {
  if (action === 'load' && admit === 'never') return 'a load that is never kept is do: static';
  if (action === 'static') return 'static keeps nothing of what it streams; take do: load, or leave admit out';
  if (admit === 'background') return `${action} has the expert on the GPU already; take policy or always`;
  return `${action} leaves the expert where it lies; take background, or leave admit out`;
}

/** Numbers of rules by name, with the action that each is of. */
const NUMBERS = Object.entries(ACTIONS).flatMap(([action, { numbers = {} }]) =>
  Object.entries(numbers).map(([name, number]) => ({ action, name, ...number })),
);

/** Parameters of a rule that are of one action, and the complaint about others. */
const OF_ACTION = [
  { name: 'by', action: 'cheaper', complaint: 'is how cheaper compares; take do: cheaper, or leave it out' },
  { name: 'copyBytes', action: 'low-precision', complaint: 'is of low-precision copies; leave it out' },
  { name: 'defer', action: 'cpu', complaint: 'is of what the CPU computes; take do: cpu, or leave it out' },
  { name: 'inPlace', action: 'static', complaint: 'is of what is streamed; take do: static, or leave it out' },
] as const;

/** A rule as written, parsed. */
interface Given {
  readonly do: MissAction;
  readonly admit?: Admission;
  readonly after?: number;
  readonly by?: 'time' | 'rate';
  readonly copyBytes?: number;
  readonly defer?: number;
  readonly inPlace?: boolean;
  readonly when?: z.output<typeof when>;
}

const rule = z
  .union([
    z.enum(MISS_ACTIONS).transform((action) => ({ do: action })),
    z.strictObject({
      do: z
        .enum(MISS_ACTIONS)
        .describe('What is done with the miss: load, cpu, cheaper, balance, static, substitute, skip or low-precision.'),
      admit: z
        .enum(ADMISSIONS)
        .optional()
        .describe(
          'How the expert gets into the cache: policy (as the policy wants), always, ' +
            "never, or background (over the idle link, later). Absent: the action's own.",
        ),
      after: z.int().positive().optional().describe('background: misses of an expert after which it is promoted. Absent: 1.'),
      by: z
        .enum(['time', 'rate'])
        .optional()
        .describe('cheaper: compares times, the handover to the CPU included, or rates alone, as FreeToken does (rate). Absent: time.'),
      copyBytes: z
        .number()
        .positive()
        .max(1)
        .optional()
        .describe("low-precision: bytes of a copy as a share of the expert's. Absent: 0.25."),
      defer: z
        .int()
        .nonnegative()
        .optional()
        .describe("cpu: most of a token's choices, the last ones, that are computed one layer late. Absent: 0."),
      inPlace: onOff.optional().describe('static: kernels read the expert where it lies, over the link, while they compute. Absent: off.'),
      when: when.optional().describe('When the rule holds: all that is said must. Absent: always.'),
      ...Object.fromEntries(
        NUMBERS.map(({ action, least, meaning, name, default: usual }) => [
          name,
          z.int().min(least).optional().describe(`${action}: ${meaning} Absent: ${usual}.`),
        ]),
      ),
    }),
  ])
  .transform((given, context) => {
    const { after, admit: asked, by, copyBytes, defer, do: action, inPlace, when }: Given = given;
    const admit = asked ?? ACTIONS[action].admits[0]!;
    const complain = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (!ACTIONS[action].admits.includes(admit)) complain('admit', insteadOf(action, admit));
    if (after !== undefined && admit !== 'background')
      complain('after', 'counts misses until a promotion; take admit: background, or leave it out');
    for (const { action: only, complaint, name } of OF_ACTION) {
      const value = ownValue(given, name);
      if (value !== undefined && value !== false && action !== only) complain(name, complaint);
    }
    const condition = when === undefined || Object.keys(when).length === 0 ? null : when;
    const { bypassed, gate = null, misses, pass = null, phase = null, tokens = null } = condition ?? {};
    return {
      do: action,
      admit,
      after: after ?? 1,
      copyBytes: copyBytes ?? ruleOf(action).copyBytes,
      defer: defer ?? 0,
      when:
        condition === null
          ? null
          : { phase, tokens, pass, ...(misses === undefined ? {} : { misses }), ...(bypassed === true ? { bypassed } : {}), gate },
      ...(by === 'rate' ? { byRate: true as const } : {}),
      ...(inPlace === true ? { inPlace } : {}),
      ...numbersOf(action, given, complain),
    };
  });

/** Numbers of an action's rule, defaults filled in; nothing for an action without numbers. */
function numbersOf(action: MissAction, given: unknown, complain: (key: string, message: string) => void): Pick<MissRule, 'numbers'> {
  for (const other of NUMBERS) {
    if (other.action === action || ownValue(given, other.name) === undefined) continue;
    complain(other.name, `is of ${other.action}; take do: ${other.action}, or leave it out`);
  }
  const numbers = NUMBERS.filter((number) => number.action === action);
  if (numbers.length === 0) return {};
  return { numbers: Object.fromEntries(numbers.map(({ name, default: usual }) => [name, Number(ownValue(given, name) ?? usual)])) };
}

/** Schema of `system.onMiss`. */
export const missRules = z.union([rule, z.array(rule).min(1)]).transform((given, context): MissRules => {
  const rules = [given].flat();
  for (const [at, { do: action, when: condition }] of rules.entries()) {
    const last = at === rules.length - 1;
    const path = Array.isArray(given) ? [at] : [];
    if (last && condition !== null)
      context.addIssue({ code: 'custom', path, message: 'the last rule must always hold; leave its when out, or add load' });
    if (last && action === 'substitute')
      context.addIssue({ code: 'custom', path, message: 'substitute may find no resident expert; add what is done then, such as load' });
    if (!last && condition === null && action !== 'substitute')
      context.addIssue({ code: 'custom', path, message: 'holds always, so that no rule behind it is reached; give it a when' });
  }
  if (rules.length > 1 && rules.some((rule) => rule.do === 'balance'))
    context.addIssue({
      code: 'custom',
      message: 'balance shares all members of an event, so no rule stands beside it; give it alone, or take cheaper',
    });
  const written = rules.map(shownRule);
  return { written: rules.length === 1 ? written[0] : written, rules };
});

function shownRule(rule: MissRule): unknown {
  const { admit, after, byRate, copyBytes, defer, do: action, inPlace, numbers, when: condition } = rule;
  const { bypassed, gate, misses, pass, phase, tokens }: MissCondition = condition ?? { gate: null, pass: null, phase: null, tokens: null };
  const held = {
    ...(phase === null ? {} : { phase }),
    ...(tokens === null ? {} : { tokens: shownRange(tokens) }),
    ...(pass === null ? {} : { pass: shownRange(pass) }),
    ...(misses === undefined ? {} : { misses: shownRange(misses) }),
    ...(bypassed === undefined ? {} : { bypassed }),
    ...(gate === null ? {} : { gate: { by: gate.by, share: shownRange(gate.share) } }),
  };
  const shown = {
    do: action,
    admit,
    ...(admit === 'background' ? { after } : {}),
    ...(byRate === undefined ? {} : { by: 'rate' }),
    ...(action === 'low-precision' ? { copyBytes } : {}),
    ...(defer > 0 ? { defer } : {}),
    ...(inPlace === undefined ? {} : { inPlace }),
    ...numbers,
    ...(condition === null ? {} : { when: held }),
  };
  return isPlain(rule) ? action : shown;
}

/** True for the rule of a word alone. */
function isPlain({ admit, byRate, copyBytes, defer, do: action, inPlace, numbers, when: condition }: MissRule): boolean {
  const word = ruleOf(action);
  const plain = byRate === undefined && defer === 0 && inPlace === undefined && numbers === undefined && condition === null;
  return plain && admit === word.admit && copyBytes === word.copyBytes;
}

function shownRange({ above, below, max, min }: Range): unknown {
  if (Number.isFinite(above)) return `>${above}`;
  if (Number.isFinite(below)) return `<${below}`;
  if (min === max) return min;
  const bounds = { ...(Number.isFinite(min) ? { min } : {}), ...(Number.isFinite(max) ? { max } : {}) };
  return bounds;
}

/** Prepends rules for accepting classes, smallest copies first. @param shares of the experts' bytes */
export function withCopies({ rules, written }: MissRules, shares: Iterable<number>): MissRules {
  const sorted = [...new Set(shares)].sort((a, b) => a - b);
  const copies = sorted.map((copy): MissRule => {
    return { ...ruleOf('low-precision'), copyBytes: copy, when: { phase: null, tokens: null, pass: null, gate: null, copy } };
  });
  return { written, rules: [...copies, ...rules] };
}

/** Rules on the machine (L13). On unified memory without a computing CPU, the CPU's rules become loads. */
export function rulesOn({ cpu, tiers }: HardwareSpec, wanted: readonly MissRule[]): readonly MissRule[] {
  if (cpu !== null || tiers[0]!.name !== 'unified') return wanted;
  return wanted.map((rule) => (computesMisses(rule) ? { ...ruleOf('load'), when: rule.when } : rule));
}

/** True if the CPU may serve the rule's misses. */
export const computesMisses = ({ do: action }: Pick<MissRule, 'do'>): boolean => ACTIONS[action].onCpu === true;

/** True if any rule has an action of the list. */
export const anyMiss = ({ rules }: Pick<MissRules, 'rules'>, ...actions: readonly MissAction[]): boolean =>
  rules.some((rule) => actions.includes(rule.do));

/** True if any rule is lossy. */
export const isLossy = ({ rules }: Pick<MissRules, 'rules'>): boolean =>
  rules.some(({ defer, do: action }) => ACTIONS[action].lossy === true || defer > 0);

/** True if some results come a layer late. */
export const deferring = ({ rules }: Pick<MissRules, 'rules'>): boolean => rules.some(({ defer }) => defer > 0);

/** Sources of gate shares in the rules. */
export const gateWays = ({ rules }: Pick<MissRules, 'rules'>): ReadonlySet<GateShare['by']> =>
  new Set(rules.flatMap(({ when: condition }) => (condition?.gate == null ? [] : [condition.gate.by])));

/** True if the word's rule serves every miss. */
export function isWord({ rules }: Pick<MissRules, 'rules'>, word: MissAction): boolean {
  const [only] = rules;
  return rules.length === 1 && only!.do === word && only!.admit === ACTIONS[word].admits[0] && only!.defer === 0;
}

/** The rule of a word. */
export function ruleOf(word: MissAction): MissRule {
  return {
    do: word,
    admit: ACTIONS[word].admits[0]!,
    after: 1,
    copyBytes: word === 'low-precision' ? COPY_BYTES : 1,
    defer: 0,
    when: null,
  };
}
