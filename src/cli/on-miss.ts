import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { flagValue } from '../base/yaml.js';
import { ADMISSIONS, MISS_ACTIONS } from '../system/door.js';

const EXAMPLE = 'cpu,admit=background';

/** Unchecked: `static,when.pass=>=512;cpu` is `[{ do: static, when: { pass: '>=512' } }, cpu]`. @throws UserError */
export function missRulesOf(text: string): unknown {
  if (/^\s*[{[]/.test(text)) {
    try {
      return flagValue(text);
    } catch {
      throw new UserError(`--on-miss: ${text.trim()} is not YAML; write e.g. '{ do: cpu, admit: background }', or ${EXAMPLE}`);
    }
  }
  const rules = text.split(';').map(ruleOf);
  return rules.length === 1 ? rules[0] : rules;
}

function ruleOf(text: string): unknown {
  const [action = '', ...parts] = text.split(',').map((part) => part.trim());
  if (action === '') throw new UserError(`--on-miss: a rule has no action; write e.g. ${EXAMPLE}`);
  checkWord('action', action, MISS_ACTIONS);
  if (parts.length === 0) return action;
  const rule = new Map<string, unknown>([['do', action]]);
  const when = new Map<string, unknown>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals)).trim();
    const value = part.slice(equals + 1).trim();
    if (key === '' || value === '') throw new UserError(`--on-miss: ${JSON.stringify(part)} is not key=value; write e.g. ${EXAMPLE}`);
    const [into, name] = key.startsWith('when.') ? [when, key.slice('when.'.length)] : [rule, key];
    if (into.has(name)) throw new UserError(`--on-miss: ${key} is given twice; say it once`);
    if (key === 'admit') checkWord(key, value, ADMISSIONS);
    into.set(name, /^\d+(\.\d+)?$/.test(value) ? Number(value) : value);
  }
  return Object.fromEntries(when.size === 0 ? rule : rule.set('when', Object.fromEntries(when)));
}

/** @throws UserError with the nearest word */
function checkWord(what: string, word: string, words: readonly string[]): void {
  if (!words.includes(word)) throw new UserError(`--on-miss: unknown ${what} "${word}"; ${didYouMean(word, words)}`);
}
