import { z } from 'zod';
import { fileText } from '../../base/host/files.js';
import { isObject } from '../../base/objects.js';
import { findProfile, listProfiles } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';
import { POLICIES } from '../../cache/policies/index.js';
import type { RunRow } from '../table/run-row.js';
import { type Citation, citationOf, citationsIn, keyOf } from './citations.js';

/**
 * References without repeats: moeprof, systems, policies, runtimes, traces. @param rows empty: moeprof alone
 * @param measured adds sources of runtime constants
 */
export function citedBy(rows: readonly RunRow[], measured = false): Citation[] {
  const valuesOf = (column: 'policy' | 'runtime' | 'system'): string[] =>
    [...new Set(rows.map(({ key }) => String(key[column] ?? '')))].filter((value) => value !== '').sort();
  const systems = new Map(rows.map(({ config, key }) => [String(key.system), textIn(config?.system)]));
  const all = [
    citationOf('moeprof'),
    ...valuesOf('system').flatMap((name) => citationsIn(systems.get(name) ?? bundledText('systems', name), name)),
    ...valuesOf('policy').flatMap(policyCitations),
    ...valuesOf('runtime').flatMap((name) => citationsIn(bundledText('runtimes', name), name)),
    ...rows.flatMap(traceCitation),
    ...(measured ? valuesOf('runtime').flatMap(measurementCitations) : []),
  ];
  return [...new Map(all.map((citation) => [citation.key, citation])).values()];
}

function textIn(system: unknown): string | undefined {
  return isObject(system) && typeof system.cites === 'string' ? system.cites : undefined;
}

function bundledText(family: 'runtimes' | 'systems', name: string): string {
  return listProfiles(family).includes(name) ? (readOwnYaml(findProfile(family, name), citing).cites ?? '') : '';
}

const citing = z.looseObject({ cites: z.string().optional() });

function policyCitations(text: string): Citation[] {
  const definition = POLICIES.find(({ name }) => name === text.split(':')[0]);
  if (definition === undefined) return [];
  const { cites, name } = definition;
  const known = citationsIn(cites, `policy-${name}`);
  return known.map((citation) => (citation.note === undefined ? citation : { ...citation, title: `Cache policy ${name}` }));
}

/** Bundled measurement files for fitted constants. */
const FITTED_ON = ['open', 'unified'];

function measurementCitations(runtime: string): Citation[] {
  const sources = new Set<string>();
  const lines = FITTED_ON.flatMap((name) => fileText(findProfile('measurements', name)).split('\n'));
  for (const line of lines) {
    if (line === '') continue;
    const { engine, source } = JSON.parse(line) as { readonly engine: string; readonly source: string };
    if (engine === runtime) sources.add(source);
  }
  const found = [...sources].sort().flatMap((source): Citation[] => {
    const [url] = /^https?:\/\/[^\s#()]+/.exec(source) ?? [];
    if (url === undefined) return citationsIn(source, source).filter(({ note }) => note === undefined);
    const short = url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
    return [{ key: `measured-${keyOf(short)}`, title: `Measurements of ${runtime}: ${short}`, url }];
  });
  return found;
}

/** Recordings outside moeprof are identified by hash, since only the owner can name a reference. */
function traceCitation({ key: { trace, trace_sha256: sha } }: RunRow): Citation[] {
  if (typeof trace !== 'string' || typeof sha !== 'string') return [];
  const hashes = sha.split('+');
  return trace.split('+').flatMap((path, at): Citation[] => {
    const name = path.split(/[\\/]/).at(-1)!.replace(/#.*$/, '');
    const hash = hashes[at] ?? '';
    if (path === '' || path === 'synthetic' || hash === '' || listProfiles('traces').includes(name)) return [];
    return [{ key: `trace-${hash.slice(0, 12)}`, title: `Routing trace ${name}`, note: `SHA-256 ${hash}; cite where it is from` }];
  });
}
