// Drift: the plans of the memory table in another build of llama.cpp. LLAMA_CPP_BUILD_NEXT names its folder.
import { engineAt } from './engine.mjs';
import { memory } from './memory.mjs';

/**
 * What another build plans otherwise.
 * @returns {next: {commit, date}, rows: {model, line, device, part, before, after}} of parts that differ by more than a MiB; null: no other build
 */
export async function drift(engine, moeprof, shapes) {
  const folder = process.env.LLAMA_CPP_BUILD_NEXT;
  if (folder === undefined) return null;
  const next = engineAt(folder);
  const before = await memory(engine, moeprof, shapes);
  const after = await memory(next, moeprof, shapes);
  const rows = before.flatMap(({ line, model, parts }, i) =>
    parts.flatMap(({ device, engine: own, part }) => {
      const other = after[i].parts.find((one) => one.device === device && one.part === part)?.engine;
      return other !== undefined && Math.abs(other - own) <= 2 ** 20
        ? []
        : [{ model, line, device, part, before: own, after: other ?? null }];
    }),
  );
  return { next: { commit: next.commit, date: next.date }, plans: before.length, rows };
}
