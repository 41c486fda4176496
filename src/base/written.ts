import { z } from 'zod';
import { UserError } from './errors.js';

/** Parsed value that keeps its text for results. */
export interface Written {
  /** Text as written by the user. */
  readonly text: string;
}

/** Value with texts, or `written` forms, instead of parsed values. */
export function asWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asWritten);
  if ('text' in value && typeof value.text === 'string') return value.text;
  if ('written' in value) return value.written;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asWritten(inner)]));
}

/** @param parse throws a UserError @param text schema of the text */
export const written = <T, I>(parse: (text: string) => T, text: z.ZodType<string, I>): z.ZodType<T, I> =>
  text.transform((given, context) => issueOf(context, [], () => parse(given)));

/** Result of `parse`; a UserError becomes a schema issue. @param path of the value below the schema */
export function issueOf<T>(context: z.RefinementCtx, path: readonly string[], parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.addIssue({ code: 'custom', path: [...path], message: error.message });
    return z.NEVER;
  }
}

/** Schema refinement: a name accepted by `find` without a UserError. */
export function known(find: (name: string) => unknown): (name: string, context: z.RefinementCtx) => void {
  return (name, context) => void issueOf(context, [], () => find(name));
}

/** Schema field on or off, which YAML 1.2 reads as strings. */
export const onOff = z.union([z.boolean(), z.enum(['on', 'off'])]).transform((value) => value === true || value === 'on');
