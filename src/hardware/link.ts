// A link at another rate: the link as a whole, and each of its paths.
import type { LinkSpec } from './spec.js';

/** The link with `rate` applied to each bandwidth, bytes/s. */
export function withRate(link: LinkSpec, rate: (bandwidth: number) => number): LinkSpec {
  const changed = { ...link, bandwidth: rate(link.bandwidth) };
  if (link.paths === undefined) return changed;
  return { ...changed, paths: link.paths.map((path) => ({ ...path, bandwidth: rate(path.bandwidth) })) };
}
