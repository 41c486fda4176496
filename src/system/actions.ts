/** Admission of a missed expert: by policy, always, never, or promoted later. */
export const ADMISSIONS = ['policy', 'always', 'never', 'background'] as const;
/** A member of {@link ADMISSIONS} (L13). */
export type Admission = (typeof ADMISSIONS)[number];

/** A whole number that rules of an action may give. */
interface RuleNumber {
  readonly least: number;
  readonly default: number;
  readonly meaning: string;
}

/** A way to serve a miss (L13), which a mechanism of the engine carries out. */
interface Action {
  /** Admissions, default first. */
  readonly admits: readonly Admission[];
  /** True: changes the model's output. */
  readonly lossy?: true;
  /** True: the CPU may compute the miss. */
  readonly onCpu?: true;
  readonly numbers?: Readonly<Record<string, RuleNumber>>;
}

const LOAD: readonly Admission[] = ['policy', 'always'];
const LEFT: readonly Admission[] = ['never', 'background'];

/**
 * Miss actions by word. `load`: transfer and insert; `cpu`: compute on the processor of the expert's memory; `cheaper`:
 * the sooner of `load` and `cpu`; `balance`: split an event, hits included, to end together; `static`: stream, never
 * insert; `substitute`: a resident expert; `low-precision`: a smaller copy.
 */
const TABLE = {
  load: { admits: LOAD },
  cpu: { admits: LEFT, onCpu: true },
  cheaper: { admits: [...LOAD, 'background'], onCpu: true },
  balance: { admits: [...LOAD, 'background'], onCpu: true },
  static: { admits: ['never'] },
  substitute: { admits: LEFT, lossy: true },
  skip: { admits: LEFT, lossy: true },
  'low-precision': { admits: LEFT, lossy: true },
} as const satisfies Readonly<Record<string, Action>>;

/** Ways to serve a miss (L13). */
export type MissAction = keyof typeof TABLE;

/** Miss actions by word. */
export const ACTIONS: Readonly<Record<MissAction, Action>> = TABLE;

/** Words of miss actions. */
export const MISS_ACTIONS = Object.keys(TABLE) as [MissAction, ...MissAction[]];
