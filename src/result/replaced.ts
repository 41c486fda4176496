// Metrics of earlier versions with the metrics that replace them, for messages to users who still name an old one or read an old result.

/** Name of each, and its replacement. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  ['throughput.decode', 'speed.decode, or throughput.generated for generated tokens over the whole run, prompts included'],
  ['fault.throughput', 'fault.decode or fault.prefill'],
  ['fault.throughput_without', 'fault.decode_without or fault.prefill_without'],
]);

/** The replacement of a removed metric, to follow `write`; null for any other name. */
export const replacementOf = (name: string): string | null => REPLACED.get(name) ?? null;

/** Says that there is no such metric, and why not where it was replaced; without a final stop. */
export function noSuchMetric(name: string, nearest: string): string {
  const replacement = replacementOf(name);
  return replacement === null
    ? `there is no metric "${name}"; ${nearest}`
    : `there is no metric "${name}" any more, since it mixed prompts with decoding; write ${replacement}`;
}
