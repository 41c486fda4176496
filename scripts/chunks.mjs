// Which modules lie in one file of dist/chunks. Those that the same starts read do, which alone would be hundreds of files; so files are
// joined, two at a time, where starts read the fewest bytes in vain and no two files come to import one another.
import { posix } from 'node:path';

/** Which modules each start reads at once: by module, a 1 for each start that does. */
function readers(modules, starts) {
  const readBy = new Map([...modules.keys()].map((id) => [id, new Uint8Array(starts.length)]));
  starts.forEach((start, index) => {
    const waiting = [start];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const row = readBy.get(id);
      if (row[index] === 1) continue;
      row[index] = 1;
      waiting.push(...modules.get(id).imports);
    }
  });
  return readBy;
}

/** Modules that the same starts read, as one file each. The first start comes before all others. */
function together(modules, starts, started) {
  const byReaders = new Map();
  const fileOf = new Map();
  for (const [id, readBy] of readers(modules, starts)) {
    if (started.includes(id)) continue;
    const key = readBy.join('');
    const file = byReaders.get(key) ?? { ids: [], bytes: 0, imports: new Set(), readBy: readBy[0] === 1 ? readBy.fill(1) : readBy };
    byReaders.set(key, file);
    fileOf.set(id, file);
    file.ids.push(id);
    file.bytes += modules.get(id).bytes;
  }
  for (const [id, file] of fileOf) {
    for (const imported of modules.get(id).imports) if (fileOf.has(imported)) file.imports.add(fileOf.get(imported));
  }
  for (const file of byReaders.values()) file.imports.delete(file);
  return [...byReaders.values()];
}

/** All files that one imports, and those that they import. */
function behind(file) {
  const all = new Set(file.imports);
  for (const one of all) for (const next of one.imports) all.add(next);
  return all;
}

/**
 * Bytes that the readers of `a` read in vain where `b` is joined to it, `b` itself alone or with all that it imports. The first start counts for
 * all: what it reads, --version and --help wait for.
 */
function inVain(a, b, all) {
  let bytes = 0;
  for (const file of all ? [b, ...behind(b)] : [b]) {
    if (file === a) continue;
    for (let start = 0; start < a.readBy.length; start++)
      if (a.readBy[start] > file.readBy[start]) bytes += file.bytes * (start === 0 ? a.readBy.length : 1);
  }
  return bytes;
}

/** Whether a file imports another by way of a third: as one, they and the third would import one another. */
const byWayOfAnother = (from, to) => [...from.imports].some((file) => file !== to && behind(file).has(to));

/** The pair that costs least if it is joined; none where every pair would make a loop. */
function cheapest(files) {
  const waste = (a, b, all) => inVain(a, b, all) + inVain(b, a, all);
  const pairs = files.flatMap((a, index) => files.slice(index + 1).map((b) => ({ a, b, least: waste(a, b, false) })));
  let best;
  for (const pair of pairs.sort((x, y) => x.least - y.least)) {
    if (best !== undefined && pair.least >= best.bytes) break;
    const { a, b } = pair;
    const bytes = waste(a, b, true);
    if ((best === undefined || bytes < best.bytes) && !byWayOfAnother(a, b) && !byWayOfAnother(b, a)) best = { a, b, bytes };
  }
  return best;
}

/** Joins file `b` to `a`: who reads the one reads the other, and what they import. */
function join(files, a, b) {
  a.ids.push(...b.ids);
  a.bytes += b.bytes;
  a.readBy = a.readBy.map((reads, start) => reads | b.readBy[start]);
  for (const file of b.imports) a.imports.add(file);
  for (const file of files) if (file.imports.delete(b)) file.imports.add(a);
  a.imports.delete(a);
  for (const file of behind(a)) file.readBy = file.readBy.map((reads, start) => reads | a.readBy[start]);
}

/**
 * Divides the modules of the bundle.
 * @param modules of the bundle by id: what each imports and what it loads later, as ids, and its bytes
 * @param started ids of what is started by its path, each a file of its own; the first is the command, which comes before all that is loaded later
 * @param most files, those of what is started by its path among them
 * @returns the name of a file by id of a module; what is started by its path has none
 */
export function chunksOf(modules, started, most) {
  const starts = [...new Set([...started, ...[...modules.values()].flatMap(({ loads }) => loads)])];
  let files = together(modules, starts, started);
  while (started.length + files.length > most) {
    const { a, b } = cheapest(files);
    files = files.filter((file) => file !== b);
    join(files, a, b);
  }
  const bytes = (id) => modules.get(id).bytes;
  const named = ({ ids }, index) =>
    `${posix.basename(ids.reduce((a, b) => (bytes(b) > bytes(a) ? b : a)).replaceAll('\\', '/'), '.js')}-${index}`;
  return new Map(files.flatMap((file, index) => file.ids.map((id) => [id, named(file, index)])));
}
