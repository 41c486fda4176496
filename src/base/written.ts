import { z } from 'zod';
import { UserError } from './errors.js';

/** Values that users write as text are parsed when they are read. The parsed value keeps its text, so that a result can show it. */
export interface Written {
  /** As the user wrote it. */
  readonly text: string;
}

/** The same value as it was written: the text instead of each parsed value, or its `written` form if it has one. */
export function asWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asWritten);
  if ('text' in value && typeof value.text === 'string') return value.text;
  if ('written' in value) return value.written;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asWritten(inner)]));
}

/** A schema field whose text is parsed at once. @param parse throws a UserError @param text the schema of the text */
export const written = <T, I>(parse: (text: string) => T, text: z.ZodType<string, I>): z.ZodType<T, I> =>
  text.transform((given, context) => issueOf(context, [], () => parse(given)));

/** The outcome of `parse`; a UserError becomes an issue of the schema. @param path of the value, from the one that the schema checks */
export function issueOf<T>(context: z.RefinementCtx, path: readonly string[], parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.addIssue({ code: 'custom', path: [...path], message: error.message });
    return z.NEVER;
  }
}

/** A refinement of a schema: a name for which `find` throws no UserError. */
export function known(find: (name: string) => unknown): (name: string, context: z.RefinementCtx) => void {
  return (name, context) => void issueOf(context, [], () => find(name));
}

/** A schema field that is on or off, which YAML 1.2 reads as strings. */
export const onOff = z.union([z.boolean(), z.enum(['on', 'off'])]).transform((value) => value === true || value === 'on');
