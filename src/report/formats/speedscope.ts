import { UserError } from '../../base/errors.js';
import type { ExpertCause } from '../../result/details.js';
import type { Result } from '../../result/result.js';
import type { Format } from '../format.js';
import { plainJson } from '../json.js';
import { deviceWords } from '../words.js';

/**
 * Flame graphs for https://www.speedscope.app: stalls and bytes by tier, layer, expert and cause ("sampled" profiles).
 */
export const speedscopeReport: Format<Result> = {
  name: 'speedscope',
  extensions: [],
  needsDetails: true,
  render,
};

interface SampledProfile {
  readonly type: 'sampled';
  readonly name: string;
  readonly unit: 'nanoseconds' | 'bytes';
  readonly startValue: number;
  readonly endValue: number;
  /** Stacks from the root. */
  readonly samples: number[][];
  readonly weights: number[];
}

type Frames = Map<string, number>;

function render({ details, inputs, tool }: Result): string {
  const causes = details?.causes;
  if (causes === undefined) {
    throw new UserError(
      'speedscope: the result was saved without details; save it with moeprof run --details, or write it with moeprof run',
    );
  }
  const frames = new Map<string, number>();
  const stalls = profile(`stall of the ${deviceWords({ inputs }).processor}`, 'nanoseconds', frames, causes.stallNs, 'waits for');
  causes.otherStallNs.forEach((ns, layer) => {
    if (ns > 0) add(stalls, frames, ['waits for others', `layer ${layer}`], ns);
  });
  const bytes = profile('bytes moved', 'bytes', frames, causes.bytes, 'from');
  const profiles = [stalls, bytes].map((profile) => ({ ...profile, endValue: profile.weights.reduce((sum, weight) => sum + weight, 0) }));
  const { hardware, model, system } = inputs;
  return `${plainJson({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: `${tool.name}@${tool.version}`,
    name: `${model} on ${hardware}, ${system}`,
    activeProfileIndex: 0,
    shared: { frames: [...frames.keys()].map((name) => ({ name })) },
    profiles,
  })}\n`;
}

/** @param root words before the tier in the root frame */
function profile(name: string, unit: SampledProfile['unit'], frames: Frames, causes: readonly ExpertCause[], root: string): SampledProfile {
  const made: SampledProfile = { type: 'sampled', name, unit, startValue: 0, endValue: 0, samples: [], weights: [] };
  for (const { byExpert, cause, tier } of causes) {
    byExpert.forEach((row, layer) => {
      row.forEach((weight, expert) => {
        if (weight === 0) return;
        // Frames of equal names merge: an expert's name includes its layer.
        const stack = [`${root} ${tier}`, `layer ${layer}`, `layer ${layer} expert ${expert}`, cause];
        add(made, frames, stack, weight);
      });
    });
  }
  return made;
}

function add({ samples, weights }: SampledProfile, frames: Frames, stack: readonly string[], weight: number): void {
  for (const name of stack) if (!frames.has(name)) frames.set(name, frames.size);
  samples.push(stack.map((name) => frames.get(name)!));
  weights.push(weight);
}
