/** Reachable from this machine only, with an optional port: `localhost`, `127.0.0.1:80`, `[::1]`, `::1`. */
export const isLoopback = (name: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$|^::1$/i.test(name);

/**
 * True for a browser request from a foreign site: Origin is that site, or Host is a name pointed here (DNS rebinding).
 * @param headers in lower case
 */
export function isForeign({ host = '', origin }: { readonly host?: string; readonly origin?: string }): boolean {
  const from = origin === undefined ? host : URL.canParse(origin) ? new URL(origin).host : '';
  return !isLoopback(host) || !isLoopback(from);
}
