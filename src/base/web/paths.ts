// Paths on a page: names with slashes, from one root.
import type { PathRules } from '../host/paths.js';
import { cwd } from './process.js';

export const sep: string = '/';

export function basename(path: string, ending = ''): string {
  const name = trimmed(path).split('/').at(-1)!;
  return name !== ending && name.endsWith(ending) ? name.slice(0, name.length - ending.length) : name;
}

export function dirname(path: string): string {
  const whole = trimmed(path);
  const end = whole.lastIndexOf('/');
  if (end > 0) return whole.slice(0, end) === '/' ? '//' : whole.slice(0, end);
  return path.startsWith('/') ? '/' : '.';
}

export function extname(path: string): string {
  const name = basename(path);
  const at = name.lastIndexOf('.');
  return at <= 0 || name === '..' ? '' : name.slice(at);
}

export const isAbsolute: PathRules['isAbsolute'] = (path) => path.startsWith('/');

export function join(...parts: string[]): string {
  const whole = parts.filter((part) => part !== '').join('/');
  if (whole === '') return '.';
  const path = plain(whole).join('/');
  if (path === '' && isAbsolute(whole)) return '/';
  return `${isAbsolute(whole) ? '/' : ''}${path || '.'}${whole.endsWith('/') ? '/' : ''}`;
}

export function relative(from: string, to: string): string {
  const [start, end] = [plain(resolve(from)), plain(resolve(to))];
  let shared = 0;
  while (shared < start.length && shared < end.length && start[shared] === end[shared]) shared++;
  return [...start.slice(shared).map(() => '..'), ...end.slice(shared)].join('/');
}

export function resolve(...parts: string[]): string {
  const from = parts.findLastIndex(isAbsolute);
  return `/${plain([...(from < 0 ? [cwd(), ...parts] : parts.slice(from))].join('/')).join('/')}`;
}

export const fileURLToPath = (url: string): string => decodeURIComponent(new URL(url).pathname);

export function pathToFileURL(path: string): { readonly href: string } {
  return { href: `file://${resolve(path).split('/').map(encodeURIComponent).join('/')}` };
}

const trimmed = (path: string): string => path.replace(/\/+$/, '');

/** Names of a path without `.` and redundant `..`. */
function plain(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (name !== '..' || !isAbsolute(path)) names.push(name);
  }
  return names;
}
